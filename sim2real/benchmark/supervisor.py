"""How long motors keep torque after the program that drives them has died, hangs, or has lost its supervisor."""

import os
import select
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from sim2real.configs.choice import not_a_choice
from sim2real.configs.errors import UserError
from sim2real.configs.load import dump
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.child_process import PYTHON
from sim2real.hardware.conformance.serial_ports import serving
from sim2real.hardware.emulator.pty import PtyServer
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.supervisor.process import SCRIPT

BAR_S: Final = 0.1
"""Required upper bound of the time from the end of the program to torque off."""

_LIMIT_S = 10.0  # torque that is on for longer counts as on for ever
_START_S = 120.0
_MS_PER_S = 1000.0
_PRIORITY = 30  # SCHED_FIFO; the loop of a run has 40
_LATEST_S = 0.5  # after the policy began, at most


@dataclass(frozen=True)
class _Ending:
    """A way in which a run ends without a word."""

    sent: signal.Signals
    to_supervisor: bool = False


ENDINGS: Final = {
    "killed": _Ending(signal.SIGKILL),
    "stopped": _Ending(signal.SIGSTOP),
    "endless_loop": _Ending(signal.SIGUSR1),
    "out_of_memory": _Ending(signal.SIGUSR2),
    "supervisor_killed": _Ending(signal.SIGKILL, to_supervisor=True),
    "supervisor_stopped": _Ending(signal.SIGSTOP, to_supervisor=True),
}
"""What `supervised_run.py` does at each signal is written there."""


def bench_supervisor(
    robots: Sequence[tuple[RobotConfig, str]], repeats: int, seed: int = 0, endings: Sequence[str] = tuple(ENDINGS)
) -> dict[str, Any]:
    """Measure the time to torque off, of runs in processes of their own on emulated robots behind pseudo-terminals.

    Args:
        robots: Robots whose `safety.on_death` is `off`, and a policy for each.
        repeats: Runs of each robot and ending. When each ends, within the first half second of policy, is drawn.
        seed: For that time.
        endings: Names in `ENDINGS`.

    Returns:
        `ratios`: for each robot and ending the worst time over `BAR_S`. `figures`: the times in ms, infinite where
        torque stayed on, with median and 90th percentile.

    Raises:
        UserError: No such ending, a robot is to damp or to hold, which is not seen from torque, or a run did not begin.
    """
    for name in endings:
        if name not in ENDINGS:
            raise UserError(f"bench supervisor: ending {not_a_choice(name, ENDINGS)}")
    for robot, _ in robots:
        if robot.safety.on_death != "off":
            wanted = f"safety.on_death is {robot.safety.on_death}"
            raise UserError(f"bench supervisor: {robot.name}: {wanted}; times are measured of robots with off")
    draw = np.random.default_rng(seed)
    ratios: dict[str, float] = {}
    figures: dict[str, Any] = {}
    for robot, policy in robots:
        for name in endings:
            times = [_time(robot, policy, ENDINGS[name], draw.uniform(0.0, _LATEST_S)) for _ in range(repeats)]
            figures[f"{robot.name}/{name}"] = {
                "torque_off_ms": [round(seconds * _MS_PER_S, 1) for seconds in times],
                "median_ms": statistics.median(times) * _MS_PER_S,
                "p90_ms": float(np.quantile(times, 0.9, method="higher")) * _MS_PER_S,
                "worst_ms": max(times) * _MS_PER_S,
            }
            ratios[f"{robot.name}/{name} worst_over_bar"] = max(times) / BAR_S
    return {"ratios": ratios, "figures": figures}


def _time(robot: RobotConfig, policy: str, ending: _Ending, after_s: float) -> float:
    """Return the seconds from the end of a run to torque off."""
    with _served(robot) as (server, emulated), _running(robot, policy, server.ports) as process:
        motors = list(emulated.motors.values())
        time.sleep(after_s)
        if not all(motor.torque_enabled for motor in motors):
            raise UserError(f"bench supervisor: the run of {policy} on {robot.name} ended by itself")
        target = _supervisor_of(process.pid) if ending.to_supervisor else process.pid
        begun = time.monotonic()
        os.kill(target, ending.sent)
        return _seconds_until(lambda: not any(motor.torque_enabled for motor in motors), begun)


def _seconds_until(condition: Callable[[], bool], begun: float) -> float:
    while not condition():
        if time.monotonic() - begun > _LIMIT_S:
            return float("inf")
        time.sleep(0.001)
    return time.monotonic() - begun


@contextmanager
def _served(robot: RobotConfig) -> Iterator[tuple[PtyServer, EmulatedRobot]]:
    """Serve a robot without load on pseudo-terminals, in a thread of its own, for the duration of the block.

    Both threads take a real-time priority below the run's: motors need no processor to answer, and a run that spins
    takes one for itself.
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    with serving(robot, started=_take_priority) as served:
        _take_priority()
        try:
            yield served
        finally:
            os.sched_setscheduler(0, *before)


def _take_priority() -> None:
    """Ask for a real-time priority for the calling thread; without the permission it goes on as any other."""
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(_PRIORITY))


@contextmanager
def _running(robot: RobotConfig, policy: str, ports: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a policy in a process of its own, for the duration of the block; it begins when the policy runs."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file, tempfile.TemporaryFile() as errors:
        file.write(dump(robot))
        file.flush()
        arguments = [policy, file.name, *(f"{name}={path}" for name, path in ports.items())]
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*PYTHON, "-m", "sim2real.benchmark.supervised_run", *arguments], stdout=subprocess.PIPE, stderr=errors
        )
        try:
            if not _said_a_word(process):
                process.kill()
                process.wait()
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip().splitlines() or ["no word within two minutes"]
                raise UserError(f"bench supervisor: the run of {policy} on {robot.name} did not begin: {said[-1]}")
            yield process
        finally:
            process.kill()
            process.communicate()


def _said_a_word(process: "subprocess.Popen[bytes]") -> bool:
    output = process.stdout
    return output is not None and bool(select.select([output], [], [], _START_S)[0]) and bool(output.readline())


def _supervisor_of(pid: int) -> int:
    """Return the process id of a run's supervisor."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    (found,) = (child for child in children if str(SCRIPT).encode() in Path(f"/proc/{child}/cmdline").read_bytes())
    return int(found)
