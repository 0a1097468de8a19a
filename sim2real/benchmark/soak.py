"""Long runs: whether memory stays, ticks stay on their grid, and the log is complete; in lockstep and in real time."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sim2real.benchmark.memory import growth, resident_kib
from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import NS_PER_S, Clock, MonotonicClock
from sim2real.hardware.emulator.process import emulate
from sim2real.hardware.robot import RobotHardware
from sim2real.hardware.robot_ports import open_serial_ports
from sim2real.runtime.controller import Controller
from sim2real.runtime.decimation import Decimation
from sim2real.runtime.emulation import lockstep
from sim2real.runtime.log_records import LogRecords
from sim2real.runtime.policy import Policy
from sim2real.runtime.report import RunReport
from sim2real.runtime.run_options import RunOptions
from sim2real.runtime.session import run_session
from sim2real.runtime.states import State

_SAMPLES = 200  # of the memory, over the whole run
_WARM_UP = 0.1  # share of the run, or this long where that is longer:
_WARM_UP_S = 60.0


def bench_soak(
    policy: Policy, robot: RobotConfig, lockstep_s: float, real_s: float, *, plant: str = "inertia"
) -> dict[str, Any]:
    """Run a policy on the emulated robot for a long time, first in lockstep, then in real time.

    Args:
        policy: The policy; its contract must be the robot's.
        robot: The robot.
        lockstep_s: s of the robot's time; 0 to leave it out.
        real_s: s; 0 to leave it out.
        plant: Mechanics of the emulated robot.

    Returns:
        `ratios`: resident memory at the end over that after the warm-up, of every process; logged ticks over ticks; the
        duration over that of as many ticks on their grid. `figures`: by part, memory in KiB, missed ticks, and whether
        the log is whole.

    Raises:
        UserError: The policy is for another robot, or a run ended early.
    """
    ratios: dict[str, float] = {}
    figures: dict[str, Any] = {"robot": robot.name, "plant": plant}
    period_s = 1.0 / Decimation(policy.contract.control_rate, robot.loop.bus_rate).rate
    with tempfile.TemporaryDirectory(prefix="sim2real-soak-") as folder:
        if lockstep_s > 0.0:
            world = lockstep(robot, plant=plant)
            path = Path(folder) / "lockstep.mcap"
            soak = _Soak(world.clock, lockstep_s, dict)
            options = RunOptions(duration=lockstep_s, log=path, synchronous_log=True, on_tick=soak.look)
            report = run_session(policy, robot, world.hardware, world.clock, options)
            options.stop.raise_if_signalled()
            _add("lockstep", soak, report, path, ratios, figures, period_s)
        if real_s > 0.0:
            path, clock = Path(folder) / "real_time.mcap", MonotonicClock()
            with emulate(robot, plant=plant, real_time=True) as emulator:
                hardware = RobotHardware(robot, open_serial_ports(robot, emulator.ports, clock), clock)
                soak = _Soak(clock, real_s, _helpers)
                options = RunOptions(duration=real_s, log=path, real_time=True, on_tick=soak.look)
                report = run_session(policy, robot, hardware, clock, options)
                options.stop.raise_if_signalled()
                figures["warnings"] = [*report.warnings, *emulator.warnings()]
            _add("real_time", soak, report, path, ratios, figures, period_s)
    if not ratios:
        raise UserError("bench soak: both parts are left out; give one of them a time")
    return {"ratios": ratios, "figures": figures}


class _Soak:
    """The memory of the processes of a run, and its ticks, from the end of the warm-up on."""

    def __init__(self, clock: Clock, seconds: float, helpers: Callable[[], dict[str, int]]) -> None:
        self.resident: dict[str, list[float]] = {}
        """KiB, by process."""
        self._clock, self._helpers = clock, helpers
        warm_up = min(max(_WARM_UP * seconds, _WARM_UP_S), 0.5 * seconds)
        self._every_ns = max(1, round((seconds - warm_up) / _SAMPLES * NS_PER_S))
        self._due_ns = clock.now_ns() + round(warm_up * NS_PER_S)

    def look(self, controller: Controller) -> None:
        """Note the memory from time to time; called after every tick."""
        if not controller.record.ran or self._clock.now_ns() < self._due_ns:
            return
        self._due_ns += self._every_ns
        for name, pid in {"loop": os.getpid(), **self._helpers()}.items():
            self.resident.setdefault(name, []).append(resident_kib(pid))


def _helpers() -> dict[str, int]:
    """Return the process ids of this process's children, by the last part of the module that they run."""
    return {_module(pid): pid for pid in _children(os.getpid())}


def _children(pid: int) -> Iterator[int]:
    for thread in os.listdir(f"/proc/{pid}/task"):
        yield from map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii").split())


def _module(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    named = words[words.index("-m") + 1] if "-m" in words[:-1] else words[0]
    return ".".join(named.split(".")[-2:])


def _add(
    part: str,
    soak: _Soak,
    report: RunReport,
    path: Path,
    ratios: dict[str, float],
    figures: dict[str, Any],
    period_s: float,
) -> None:
    if report.final_state is not State.RUNNING:
        raise UserError(f"bench soak: the run {part} ended in {report.final_state.name}: {report.reasons[0]}")
    for name, values in soak.resident.items():
        start = values[0]
        ratios[f"{part}_{name}_resident_end_over_start"] = (start + growth(np.array(values))) / start
    ratios[f"{part}_logged_over_ticks"] = report.logged_ticks / report.ticks
    ratios[f"{part}_duration_over_grid"] = report.duration / ((report.ticks + report.missed_ticks) * period_s)
    figures[part] = {
        "seconds": report.duration,
        "ticks": report.ticks,
        "missed_ticks": report.missed_ticks,
        "resident_start_kib": {name: values[0] for name, values in soak.resident.items()},
        "resident_growth_kib": {name: growth(np.array(values)) for name, values in soak.resident.items()},
        "bus_timeouts": report.bus.timeouts,
        "logged_ticks": report.logged_ticks,
        "log_bytes": sum(file.stat().st_size for file in _files(path)),
        "log_whole": all(_whole(file) for file in _files(path)),
    }


def _files(path: Path) -> list[Path]:
    """Return the files of a log; it goes on in a new one after some time."""
    return sorted(path.parent.glob(f"{path.stem}*.mcap"))


def _whole(path: Path) -> bool:
    records = LogRecords(path)
    for _ in records:
        pass
    return records.whole
