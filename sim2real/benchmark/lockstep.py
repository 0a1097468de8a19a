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
        Ratios of simulated to wall time, and to processor time, including opening the robot and moving it to its start
        pose; and the times of the stages of a tick, where `read` and `write` include emulator and plant.
    """
    loaded = OnnxPolicy(policy)
    factors, computed, stages = [], [], {}
    for _ in range(_ROUNDS):
        world = lockstep(robot, plant=plant)
        begun_ns, started, used = world.clock.now_ns(), time.perf_counter(), time.process_time()
        options = RunOptions(duration=seconds)
        report = run_session(loaded, robot, world.hardware, world.clock, options)
        options.stop.raise_if_signalled()
        simulated_s = (world.clock.now_ns() - begun_ns) * 1e-9
        factors.append(simulated_s / (time.perf_counter() - started))
        computed.append(simulated_s / (time.process_time() - used))
        stages = {name: durations.summary_us()["p50_us"] for name, durations in report.statistics.stages.items()}
    return {
        "ratios": {"simulated_over_wall_time": median(factors), "simulated_over_processor_time": median(computed)},
        "figures": {
            "robot": robot.name,
            "plant": world.plant,
            "control_rate_hz": loaded.contract.control_rate,
            "bus_rate_hz": robot.loop.bus_rate or loaded.contract.control_rate,
            "rounds": factors,
            "tick_stage_p50_us": stages,
        },
    }


def bench_hil(policy: Path, robot: RobotConfig, plant: str, seconds: float, bus_rate_hz: float) -> dict[str, Any]:
    """Run a policy in lockstep with a fast bus, and with the bus at the policy's own rate; see `bench_lockstep`."""
    fast = robot.model_copy(update={"loop": robot.loop.model_copy(update={"bus_rate": bus_rate_hz})})
    slow = robot.model_copy(update={"loop": robot.loop.model_copy(update={"bus_rate": None})})
    at_bus_rate = bench_lockstep(policy, fast, plant, seconds)
    at_control_rate = bench_lockstep(policy, slow, plant, seconds)
    return {
        "ratios": at_bus_rate["ratios"]
        | {f"{name}_at_control_rate": value for name, value in at_control_rate["ratios"].items()},
        "figures": {"at_bus_rate": at_bus_rate["figures"], "at_control_rate": at_control_rate["figures"]},
    }
