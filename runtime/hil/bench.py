"""Discipline of a bench: one user at a time, known motors, torque off that works, motors that have cooled down."""

import fcntl
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.workbench.port import open_port
from sim2real.runtime.open_robot import open_robot

_COOLING_S_MAX = 600.0
_COOLING_PERIOD_S = 5.0
_POWER_CYCLE_S_MAX = 60.0
_HOLD_S = 0.3
_WRITE_PERIOD_S = 0.02


class Bench:
    """A real robot on its ports, for one session of tests.

    Args:
        robot: The robot.
        ports: Path of each bus and IMU, by name; the rest from the robot's YAML.
        temperature_max: °C, below which every motor must be before a test.
        power_cycle: Command and arguments that switch the supply off and on; empty if there is none.

    Raises:
        UserError: A port does not exist, or another session has it.
    """

    def __init__(
        self, robot: RobotConfig, ports: Mapping[str, str], temperature_max: float, power_cycle: Sequence[str] = ()
    ) -> None:
        self.robot = robot
        named = {name: bus.port for name, bus in robot.buses.items()} | {
            name: imu.port for name, imu in robot.imus.items()
        }
        missing = [name for name, path in (named | dict(ports)).items() if not path]
        if missing:
            raise UserError(f"no port for {', '.join(missing)}: give --port {missing[0]}=PATH")
        self.ports = {name: str(path) for name, path in (named | dict(ports)).items()}
        self._temperature_max = temperature_max
        self._power_cycle = tuple(power_cycle)
        self._locks: list[TextIO] = []
        self._identity: dict[str, str] | None = None
        if gone := self.gone():
            raise UserError(gone)
        try:
            for path in self.ports.values():
                self._locks.append(_locked(path))
        except UserError:
            self.close()
            raise

    def prepare(self) -> dict[str, str]:
        """Make sure that a test may begin; return what identifies the motors.

        Before the first test every motor is asked who it is, and torque is switched on and off again, confirmed.

        Raises:
            UserError: A port is gone, a motor is missing or another one, torque off is not confirmed, or the motors do
                not cool down.
        """
        if gone := self.gone():
            raise UserError(gone)
        if self._identity is None:
            identity = self._read_identity()
            self._verify_torque_off()
            self._identity = identity
        self._cool_down()
        return self._identity

    def gone(self) -> str:
        """Return which port is gone; an empty text if all are there."""
        return "; ".join(f"port {name} is gone: {path}" for name, path in self.ports.items() if not Path(path).exists())

    def power_cycle(self) -> None:
        """Switch the robot's supply off and on, by the command of the settings.

        Raises:
            UserError: There is none, it fails, takes too long, or a port does not come back.
        """
        if not self._power_cycle:
            raise UserError("no power cycle: set sim2real_power_cycle to a command that switches the supply off and on")
        shown = " ".join(self._power_cycle)
        try:
            subprocess.run(  # noqa: S603 - the user's own command, no shell
                self._power_cycle, check=True, capture_output=True, timeout=_POWER_CYCLE_S_MAX
            )
        except subprocess.CalledProcessError as error:
            told = (error.stderr or b"").decode(errors="replace").strip().splitlines()
            raise UserError(f"power cycle `{shown}`: exit status {error.returncode}: {(told or ['-'])[-1]}") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise UserError(f"power cycle `{shown}`: {error}") from error
        deadline = time.monotonic() + _POWER_CYCLE_S_MAX
        while self.gone():
            if time.monotonic() > deadline:
                raise UserError(f"after the power cycle: {self.gone()}")
            time.sleep(0.1)

    def close(self) -> None:
        """Release the locks."""
        while self._locks:
            self._locks.pop().close()

    def _read_identity(self) -> dict[str, str]:
        """Return model, id and firmware of every motor. Raises UserError if one does not answer."""
        found: dict[str, str] = {}
        for bus_name, bus in self.robot.buses.items():
            with open_port(self.ports[bus_name], bus.protocol) as port:
                workbench = port.buses[bus.protocol]
                for name, joint in self.robot.joints.items():
                    if joint.bus != bus_name:
                        continue
                    motor = workbench.find(joint.id, round(bus.baudrate))
                    if motor is None:
                        raise UserError(
                            f"the motor of joint {name!r} (id {joint.id}) does not answer on {port.serial.path}"
                        )
                    found[f"motor.{name}"] = (
                        f"{motor.model or motor.model_number} id {motor.id} firmware {motor.firmware}"
                    )
        return found

    def _verify_torque_off(self) -> None:
        """Hold the robot for a moment, then switch torque off; raises HardwareError if that is not confirmed."""
        with open_robot(self.robot, ports=self.ports) as robot:
            robot.enable()
            end = time.monotonic() + _HOLD_S
            while time.monotonic() < end:
                robot.write()
                time.sleep(_WRITE_PERIOD_S)
            robot.disable()

    def _cool_down(self) -> None:
        deadline = time.monotonic() + _COOLING_S_MAX
        while (hottest := self._hottest())[1] >= self._temperature_max:
            if time.monotonic() > deadline:
                raise UserError(
                    f"the motor of joint {hottest[0]!r} has {hottest[1]:.0f} °C, and did not cool below "
                    f"{self._temperature_max:.0f} °C in {_COOLING_S_MAX:.0f} s"
                )
            time.sleep(_COOLING_PERIOD_S)

    def _hottest(self) -> tuple[str, float]:
        with open_robot(self.robot, ports=self.ports) as robot:
            reading = robot.read()
            temperature = reading.joints.temperature
            # NaN before the first reading of a motor that tells its temperature now and then.
            known = [(float(t), name) for t, name in zip(temperature, reading.joint_names, strict=True) if t == t]
        hottest, name = max(known, default=(float("-inf"), ""))
        return name, hottest


def _locked(path: str) -> TextIO:
    """Return the open lock file of a port. Raises UserError if another process has it."""
    name = hashlib.sha256(os.path.realpath(path).encode()).hexdigest()[:16]
    place = Path(tempfile.gettempdir()) / f"sim2real-port-{name}.lock"
    try:
        file = place.open("a+", encoding="utf-8")
    except OSError as error:
        raise UserError(f"port {path}: its lock {place} cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read(20).strip() or "unknown"
        file.close()
        raise UserError(f"port {path}: another session of tests has it, process {holder}") from error
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file
