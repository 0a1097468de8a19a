"""The emulated robot in its own process, behind pseudo-terminals, in real time."""

import json
import os
import selectors
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sim2real.configs.errors import UserError
from sim2real.configs.load import as_faults, as_robot, dump
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.child_process import PYTHON
from sim2real.hardware.emulator.hand_orders import HandClient
from sim2real.hardware.emulator.plant import AUTO_PLANT, choose_plant
from sim2real.hardware.emulator.starvation import Starvation

_START_TIMEOUT_S = 60.0  # importing MuJoCo from a cold disk
_STOP_TIMEOUT_S = 5.0
_ASK_S = 2.0  # it answers within milliseconds
_PRIORITY = 30  # SCHED_FIFO; the loop of a run has 40
_WARNING = "warning: "  # process_main.py writes it


@dataclass(frozen=True)
class EmulatorProcess:
    """A running emulator."""

    ports: dict[str, str]
    """Path of the pseudo-terminal of each bus and IMU, by name."""
    plant: str
    """Name of the plant."""
    pid: int
    """Process id."""
    hands: HandClient
    """Hold, move and load joints, plug and unplug motors and adapters."""
    _process: "subprocess.Popen[bytes]"
    _errors: Path
    _control: Path

    def warnings(self) -> list[str]:
        """Return the emulator's warnings so far: it could not keep up, was starved, or broke down; one of each kind."""
        warnings = [f"emulator: {line}" for line in self._latest().values()]
        if self._process.poll() is not None:
            warnings.append(f"emulator: it broke down: {_last_line(self._errors)}")
        return warnings

    def starved(self) -> str:
        """Return how often and for how long the machine gave it no processor; empty if it always did."""
        return self._latest().get(Starvation.KIND, "")

    def _latest(self) -> dict[str, str]:
        """Return the newest warning of each kind, by what is before its colon: the figures in them only grow.

        The emulator is asked: one that is stopped at this moment has not written yet that it was.
        """
        lines = [line.removeprefix(_WARNING) for line in _lines(self._errors) if line.startswith(_WARNING)]
        try:
            lines += HandClient(self._control, _ASK_S).warnings()
        except UserError:
            if self._process.poll() is None:
                lines.append(f"{Starvation.KIND}: it runs, and did not answer within {_ASK_S:g} s")
        return {line.partition(":")[0]: line for line in lines}


@contextmanager
def emulate(
    robot: str | Path | RobotConfig,
    *,
    plant: str | None = None,
    faults: str | Path | FaultsConfig | None = None,
    real_time: bool = False,
) -> Iterator[EmulatorProcess]:
    """Emulate a robot behind pseudo-terminals, in real time, for the duration of the block.

    Any program that opens serial ports can use it: this runtime, the vendor's SDK, another project. The motors reply
    with the bytes of real motors, at their baud rate, and move a physical model. It runs in its own process, which ends
    with the block, or with this process if that ends first for any reason.

    Args:
        robot: A shipped robot, a YAML file, or a loaded robot.
        plant: The mechanics: `mujoco`, `inertia` (needs no MuJoCo), or an installed plug-in. By default mujoco if it is
            installed, else inertia.
        faults: Faults to inject: shipped faults, a YAML file, or loaded ones. Their time starts when torque is first
            switched on.
        real_time: Ask for a real-time priority, below that of a run: motors need no processor to answer, the emulator
            does. Without the permission it goes on as any process, and says when it was starved.

    Yields:
        The emulator; `.ports` maps bus and IMU names to paths.

    Raises:
        UserError: Robot, plant or faults do not exist or are invalid, or the emulator did not start.

    Example:
        >>> import sim2real
        >>> with sim2real.emulate("quadruped", plant="inertia") as emulated:
        ...     sorted(emulated.ports)
        ['front', 'rear', 'trunk']
    """
    config = as_robot(robot)
    chosen = choose_plant(AUTO_PLANT if plant is None else plant, config)
    script = None if faults is None else as_faults(faults)
    with _folder() as folder:
        # Passed as files, so that the emulator gets the same overrides and spliced library parts as this process.
        errors = Path(folder) / "errors.txt"
        priority = str(_PRIORITY if real_time else 0)
        control = Path(folder) / "hands"
        arguments = [chosen, str(os.getpid()), priority, str(control), _written(Path(folder) / "robot.yaml", config)]
        if script is not None:
            arguments.append(_written(Path(folder) / "faults.yaml", script))
        with errors.open("wb") as errors_file:
            # -P: modules in the working directory cannot interfere. Its own session keeps the terminal's Ctrl-C away,
            # because the emulator must still receive torque off.
            process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [*PYTHON, "-m", "sim2real.hardware.emulator.process_main", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors_file,
                start_new_session=True,
            )
        try:
            ports = _ports(process, errors)
            yield EmulatorProcess(ports, chosen, process.pid, HandClient(control), process, errors, control)
        finally:
            _stop(process)


@contextmanager
def _folder() -> Iterator[str]:
    """Yield a folder for the time of the block. Raises UserError where there is no room for one."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="sim2real-run-")
    except OSError as error:
        raise UserError(f"the emulator needs a folder for temporary files, see TMPDIR: {error.strerror}") from error
    with folder as name:
        yield name


def _written(path: Path, config: RobotConfig | FaultsConfig) -> str:
    try:
        path.write_text(dump(config), encoding="utf-8")
    except OSError as error:
        raise UserError(f"the emulator needs room for temporary files, see TMPDIR: {error.strerror}") from error
    return str(path)


def _ports(process: "subprocess.Popen[bytes]", errors: Path) -> dict[str, str]:
    line = _first_line(process)
    try:
        return {port["name"]: port["path"] for port in json.loads(line)["ports"]}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"the emulator did not start: {_last_line(errors)}") from error


def _lines(errors: Path) -> list[str]:
    return errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()


def _last_line(errors: Path) -> str:
    """Return what it said last; a warning is no reason to end."""
    said = [line for line in _lines(errors) if not line.startswith(_WARNING)]
    return (said or ["no error message"])[-1].removeprefix("error: ")


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
