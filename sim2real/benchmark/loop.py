"""Punctuality of the loop: runs of the emulated robot on pseudo-terminals, beside a bare sleep in the same minutes."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.child_process import PYTHON
from sim2real.hardware.clock import NS_PER_S, MonotonicClock
from sim2real.hardware.emulator.plant import choose_plant
from sim2real.hardware.emulator.process import emulate
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.runtime.decimation import Decimation
from sim2real.runtime.policy import Policy
from sim2real.runtime.realtime import real_time_profile
from sim2real.runtime.report import RunReport
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State
from sim2real.runtime.statistics import Durations

MISSED_BAR = 0.001
"""Required upper bound of the share of missed ticks."""

P99_BAR = 2.0
"""Required upper bound of the 99th percentile of the lateness over that of the bare sleep."""

_ROUND_S = 20.0
_BARE_SHARE = 0.25  # of a round's time, in addition to it
_BUSY = "while True: pass"


def bench_loop(
    policy: Policy, robot: RobotConfig, rate: float, seconds: float, *, plant: str = "auto", busy: bool = False
) -> dict[str, Any]:
    """Measure how late the ticks of runs begin, and how many are missed.

    Runs and a bare loop take turns, each with the real-time profile as far as it is granted. The bare loop does nothing
    but sleep until the next deadline of the same grid, and look at the clock.

    Args:
        policy: The policy; its contract must be the robot's.
        robot: The robot, emulated in a process of its own.
        rate: Ticks a second: a whole multiple of the policy's rate.
        seconds: Of policy, all rounds together.
        plant: Mechanics of the emulated robot.
        busy: Whether one process a processor computes without a pause all the while.

    Returns:
        `ratios`: percentiles of the lateness over those of the bare loop, and the share of missed ticks over its bar.
        `figures`: the same in µs and ticks, and what the machine granted.

    Raises:
        UserError: The policy is for another robot or does not fit the rate, or a run ended early.
    """
    Decimation(policy.contract.control_rate, rate)  # refuses a rate that does not fit, before anything starts
    robot = robot.model_copy(update={"loop": robot.loop.model_copy(update={"bus_rate": rate})})
    rounds = max(1, round(seconds / _ROUND_S))
    runs: list[RunReport] = []
    bare, late, work = Durations(), Durations(), Durations()
    with ExitStack() as stack:
        emulator = stack.enter_context(emulate(robot, plant=choose_plant(plant), real_time=True))
        if busy:
            stack.enter_context(_busy_processes())
        for _ in range(rounds):
            granted, refused = sleep_bare(bare, rate, seconds / rounds * _BARE_SHARE)
            clock = MonotonicClock()
            hardware = RobotHardware(robot, open_serial_ports(robot, emulator.ports, clock), clock)
            options = RunOptions(duration=seconds / rounds, real_time=True)
            report = run_session(policy, robot, hardware, clock, options)
            options.stop.raise_if_signalled()
            runs.append(report)
            late.merge(report.statistics["lateness"])
            work.merge(report.statistics["total"])
            if report.final_state is not State.RUNNING:
                starved = emulator.starved()
                cause = f"; the emulator was {starved}" if starved else ""
                raise UserError(f"bench loop: a run ended in {report.final_state.name}: {report.reasons[0]}{cause}")
        warnings = emulator.warnings()
    ticks, missed = sum(run.ticks for run in runs), sum(run.missed_ticks for run in runs)
    share = missed / (ticks + missed)
    ratios = {f"lateness_{name}_over_bare": _over(late, bare, part) for name, part in _PERCENTILES.items()}
    return {
        "ratios": ratios | {"missed_share_over_bar": share / MISSED_BAR},
        "figures": {
            "robot": robot.name,
            "rate_hz": rate,
            "seconds": sum(run.duration for run in runs),
            "busy_processes": busy,
            "ticks": ticks,
            "missed_ticks": missed,
            "missed_share": share,
            "lateness": late.summary_us(),
            "bare_lateness": bare.summary_us(),
            "tick": work.summary_us(),
            "bus_timeouts": sum(run.bus.timeouts for run in runs),
            "granted": list(granted),
            "refused": list(refused),
            "warnings": warnings,
        },
    }


def sleep_bare(lateness: Durations, rate: float, seconds: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sleep from deadline to deadline under the real-time profile; add how late each sleep ended.

    Returns:
        What was granted of the profile, and what was refused.
    """
    clock, period_ns = MonotonicClock(), round(NS_PER_S / rate)
    with real_time_profile() as profile:
        deadline_ns = clock.now_ns()
        end_ns = deadline_ns + round(seconds * NS_PER_S)
        while deadline_ns < end_ns:
            deadline_ns += period_ns
            clock.sleep_until_ns(deadline_ns)
            lateness.add(clock.now_ns() - deadline_ns)
    return profile.granted, profile.refused


_PERCENTILES = {"p50": 0.5, "p99": 0.99, "p99_9": 0.999}


def _over(late: Durations, bare: Durations, share: float) -> float:
    return late.quantile_ns(share) / max(1.0, bare.quantile_ns(share))


@contextmanager
def _busy_processes() -> Iterator[None]:
    """Let one process a processor compute without a pause."""
    command = [*PYTHON, "-c", _BUSY]
    processes = [subprocess.Popen(command) for _ in os.sched_getaffinity(0)]  # noqa: S603 - our own interpreter
    try:
        time.sleep(0.5)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
