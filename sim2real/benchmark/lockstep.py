"""Speed of lockstep runs relative to real time: runtime, driver, codec, emulator and plant together."""

import time
from pathlib import Path
from statistics import median
from typing import Any

from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session

_ROUNDS = 5


def bench_lockstep(policy: Path, robot: RobotConfig, plant: str, seconds: float) -> dict[str, Any]:
    """Run a policy on the emulated robot in lockstep, in several rounds.

    Args:
        policy: The ONNX file.
        robot: Its robot.
        plant: `auto`, `mujoco` or `inertia`.
        seconds: Simulated seconds of policy per round.

    Returns:
        Ratio of simulated to wall time, including opening the robot and moving it to its start pose; and the times of
        the stages of a tick, where `read` and `write` include emulator and plant.
    """
    loaded = OnnxPolicy(policy)
    factors, stages = [], {}
    for _ in range(_ROUNDS):
        world = lockstep(robot, plant=plant)
        begun_ns, started = world.clock.now_ns(), time.perf_counter()
        options = RunOptions(duration=seconds)
        report = run_session(loaded, robot, world.hardware, world.clock, options)
        options.stop.raise_if_signalled()
        factors.append((world.clock.now_ns() - begun_ns) * 1e-9 / (time.perf_counter() - started))
        stages = {name: durations.summary_us()["p50_us"] for name, durations in report.statistics.stages.items()}
    return {
        "ratios": {"simulated_over_wall_time": median(factors)},
        "figures": {
            "robot": robot.name,
            "plant": world.plant,
            "control_rate_hz": loaded.contract.control_rate,
            "rounds": factors,
            "tick_stage_p50_us": stages,
        },
    }
