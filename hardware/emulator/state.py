"""The persistent memory of an emulated robot in a file, so that a changed id survives a restart."""

import contextlib
import json
import math
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.firmware.motor import EmulatedMotor
from sim2real.hardware.firmware.unit import EmulatedUnit

_FORMAT = 1


class StateFile:
    """The persistent memory of all motors and IMUs of a robot, as JSON.

    NaN (a limit that is not set) is written as null.
    """

    def __init__(
        self,
        path: Path,
        robot: RobotConfig,
        motors: Mapping[str, EmulatedMotor],
        imus: Mapping[str, EmulatedUnit] | None = None,
    ) -> None:
        """Prepare the file; nothing is read or written yet.

        Args:
            path: The file; its folder must exist.
            robot: The robot.
            motors: Its emulated motors, by joint name.
            imus: Its emulated IMUs, by name.
        """
        self._path = path
        self._robot = robot
        self._motors = motors
        self._imus = imus or {}
        self._written: dict[str, Any] = {}

    def load(self, now_ns: int) -> None:
        """Restore the settings of motors and IMUs from the file and restart them; a missing file changes nothing.

        Raises:
            UserError: The file cannot be read, or belongs to other motors.
        """
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            raise UserError(f"state {self._path}: cannot be read: {error}") from error
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise UserError(f"state {self._path}: not written by `sim2real emulate --state`")
        saved_motors = document.get("motors")
        if not isinstance(saved_motors, dict) or set(saved_motors) != set(self._motors):
            valid = ", ".join(self._motors)
            raise UserError(
                f"state {self._path}: belongs to another robot than {self._robot.name!r}, whose joints are {valid}"
            )
        for joint, motor in self._motors.items():
            self._restore(joint, motor, saved_motors[joint])
            motor.boot(now_ns, boot_ns=0)
        self._load_imus(document.get("imus", {}))
        self._written = self._document()

    def save(self) -> None:
        """Write the file atomically if anything has changed: a reader sees either the old file or the new one.

        Raises:
            UserError: The file cannot be written.
        """
        document = self._document()
        if document == self._written:
            return
        try:
            _replace(self._path, json.dumps(document, indent=1) + "\n")
        except OSError as error:
            raise UserError(f"state {self._path}: cannot be written: {error.strerror or error}") from error
        self._written = document

    def _restore(self, joint: str, motor: EmulatedMotor, entry: object) -> None:
        model = self._robot.joints[joint].motor.name
        if not isinstance(entry, dict) or entry.get("model") != model:
            raise UserError(f"state {self._path}: the motor of joint {joint!r} is not {model} in this file")
        saved = entry.get("settings")
        try:
            if not isinstance(saved, dict):
                raise ValueError("no settings")
            motor.restore({name: math.nan if value is None else float(value) for name, value in saved.items()})
        except (TypeError, ValueError) as error:
            raise UserError(f"state {self._path}: joint {joint!r}: invalid setting of {model}: {error}") from error

    def _load_imus(self, saved_units: object) -> None:
        """Restore the settings of the IMUs; one that is not in the file keeps its factory settings."""
        for name, unit in self._imus.items():
            try:
                saved = saved_units.get(name, {}) if isinstance(saved_units, dict) else None
                if not isinstance(saved, dict):
                    raise ValueError("no settings")
                unit.restore({register: int(value) for register, value in saved.items()})
            except (TypeError, ValueError) as error:
                raise UserError(f"state {self._path}: IMU {name!r}: {error}") from error

    def _document(self) -> dict[str, Any]:
        motors = {
            joint: {
                "model": self._robot.joints[joint].motor.name,
                "settings": {name: None if math.isnan(value) else value for name, value in motor.saved().items()},
            }
            for joint, motor in self._motors.items()
        }
        document: dict[str, Any] = {"format": _FORMAT, "robot": self._robot.name, "motors": motors}
        if self._imus:
            document["imus"] = {name: dict(unit.saved()) for name, unit in self._imus.items()}
        return document


def _replace(path: Path, text: str) -> None:
    descriptor, fresh = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            Path(fresh).unlink()
        raise
