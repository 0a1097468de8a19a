"""The emulated robot as the runtime uses it: in lockstep within this process, or behind pseudo-terminals in its own."""

import ctypes
import json
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim2real.configs.errors import UserError
from sim2real.configs.load import dump
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.child_process import PYTHON
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.emulator.lockstep import lockstep_transports
from sim2real.hardware.emulator.plant import AUTO_PLANT, choose_plant, make_plant
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.robot import RobotHardware

_START_NS = 1_000_000_000  # not zero, so that a stamp or age that is wrongly zero shows
_START_TIMEOUT_S = 60.0  # importing MuJoCo from a cold disk
_STOP_TIMEOUT_S = 5.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True)
class Lockstep:
    """An emulated robot in this process, its drivers, and the virtual clock they share."""

    hardware: RobotHardware
    clock: VirtualClock
    emulated: EmulatedRobot
    plant: str

    def snapshot(self) -> dict[str, Any]:
        """Advance the world to the clock's time and return its state as plain data."""
        self.emulated.advance_to(self.clock.now_ns())
        return self.emulated.snapshot()


def lockstep(robot: RobotConfig, *, plant: str = AUTO_PLANT, faults: FaultsConfig | None = None) -> Lockstep:
    """Make an emulated robot in this process.

    Raises:
        UserError: No such plant, or it is not installed.
    """
    chosen = choose_plant(plant)
    clock = VirtualClock(_START_NS)
    emulated = EmulatedRobot(robot, make_plant(chosen, robot), faults, start_ns=_START_NS)
    return Lockstep(RobotHardware(robot, lockstep_transports(emulated, clock), clock), clock, emulated, chosen)


@dataclass(frozen=True)
class EmulatorProcess:
    """A running `sim2real emulate`."""

    ports: dict[str, str]
    """Path of each port by name of its bus or IMU."""
    pid: int
    """Of the process."""
    _errors: Path

    def warnings(self) -> list[str]:
        """Return the emulator's warnings so far, for example that it does not keep up with real time."""
        lines = self._errors.read_text(encoding="utf-8", errors="replace").splitlines()
        return [f"emulator: {line.removeprefix('warning: ')}" for line in lines if line.startswith("warning: ")]


@contextmanager
def emulator_process(
    robot: RobotConfig, *, plant: str = AUTO_PLANT, faults: FaultsConfig | None = None
) -> Iterator[EmulatorProcess]:
    """Run `sim2real emulate` within the context; it also ends when this process ends or is killed.

    Raises:
        UserError: The emulator did not start.
    """
    with tempfile.TemporaryDirectory(prefix="sim2real-run-") as folder:
        # As files: the emulator gets the robot with all overrides and references resolved.
        robot_path, errors = Path(folder) / "robot.yaml", Path(folder) / "errors.txt"
        robot_path.write_text(dump(robot), encoding="utf-8")
        arguments = [str(robot_path), "--json", "--plant", choose_plant(plant)]
        if faults is not None:
            faults_path = Path(folder) / "faults.yaml"
            faults_path.write_text(dump(faults), encoding="utf-8")
            arguments += ["--faults", str(faults_path)]
        with errors.open("wb") as errors_file:
            # In a session of its own it does not get the terminal's Ctrl-C: it must see the runtime's torque off.
            process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [*PYTHON, "-m", "sim2real.cli", "emulate", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors_file,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call, before the runtime starts any thread
            )
        try:
            yield EmulatorProcess(_ports(process, errors), process.pid, errors)
        finally:
            _stop(process)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _ports(process: "subprocess.Popen[bytes]", errors: Path) -> dict[str, str]:
    line = _first_line(process)
    try:
        return {port["name"]: port["path"] for port in json.loads(line)["ports"]}
    except (ValueError, KeyError, TypeError) as error:
        said = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it printed nothing"]
        raise UserError(f"the emulator did not start: {said[-1].removeprefix('error: ')}") from error


def _first_line(process: "subprocess.Popen[bytes]") -> bytes:
    output = process.stdout
    if output is None:
        raise UserError("the emulator has no output")
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        if not selector.select(_START_TIMEOUT_S):
            raise UserError(f"the emulator did not start within {_START_TIMEOUT_S:.0f} s")
    return output.readline()


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.communicate(timeout=_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
