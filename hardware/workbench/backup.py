"""Backups of motors: all persistent settings as YAML, and back. A restored motor is written only where it differs."""

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sim2real.configs.errors import ConfigError
from sim2real.configs.yaml_source import read_yaml
from sim2real.hardware.bus.shared_id import prove_alone
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.workbench.interface import FoundMotor, Keeping, Workbench
from sim2real.hardware.workbench.recall import recall
from sim2real.hardware.workbench.whole_file import write_new
from sim2real.hardware.workbench.written import Written, change_text

VERSION = 1


@dataclass(frozen=True, slots=True)
class MotorBackup:
    """The settings of one motor, and where it was found."""

    id: int
    protocol: str
    baudrate: int
    model_number: int | None
    settings: Mapping[str, float]


def back_up(bus: Workbench, motor: FoundMotor) -> MotorBackup:
    """Read the settings of a motor; the line is at its baud rate. Raises HardwareError."""
    if not isinstance(bus, Keeping):
        raise HardwareError(f"the family of {bus.protocol} has no backups")
    return MotorBackup(motor.id, motor.protocol, motor.baudrate, motor.model_number, bus.settings(motor.id))


def restore(bus: Workbench, motor: FoundMotor, saved: MotorBackup, written: Written) -> None:
    """Write the settings of a backup where a motor differs.

    Args:
        bus: The workbench of its bus, at its baud rate.
        motor: The motor.
        saved: Its backup.
        written: Takes note of each write.

    Raises:
        HardwareError: It is another model, has torque on, shares its id, or refuses a value; the settings before that
            one are written.
    """
    if not isinstance(bus, Keeping):
        raise HardwareError(f"the family of {bus.protocol} has no backups")
    if motor.model_number != saved.model_number:
        raise HardwareError(
            f"motor {motor.id} has model number {motor.model_number}, the backup is of {saved.model_number}"
        )
    prove_alone(bus, motor.id)
    if bus.torque_enabled(motor.id):
        raise HardwareError(f"motor {motor.id} has torque on: stop the program that holds it, then restore it")
    if not recall(bus, motor):
        raise HardwareError(f"motor {motor.id} had an id that was set and not saved; `sim2real motors scan` finds it")
    found = bus.settings(motor.id)
    unknown = sorted(set(saved.settings) - set(found))
    if unknown:
        raise HardwareError(f"motor {motor.id} has no setting {unknown[0]!r}")
    for name, value in saved.settings.items():
        if found[name] == value or (math.isnan(found[name]) and math.isnan(value)):
            continue
        with written.writing(f"motor {motor.id}: {change_text(name, found[name], value)}"):
            bus.write_setting(motor.id, name, value)


def write_backups(path: Path, backups: Iterable[MotorBackup]) -> None:
    """Write backups as YAML. Raises ConfigError if the file exists or cannot be written."""
    motors = [
        {
            "id": one.id,
            "protocol": one.protocol,
            "baudrate": one.baudrate,
            "model_number": one.model_number,
            "settings": dict(one.settings),
        }
        for one in backups
    ]
    text = StringIO()
    YAML().dump(
        {"version": VERSION, "motors": motors}, text
    )  # before the file is made: half a backup is worse than none
    refuse_taken(path)
    try:
        write_new(path, text.getvalue())
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error


def refuse_taken(path: Path) -> None:
    """Raise ConfigError if a backup cannot be written there: before motors are asked for what would be lost."""
    if path.exists() or path.is_symlink():
        raise ConfigError(f"{path} exists: a backup is never overwritten")
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise ConfigError(f"{path}: you may not write in the folder {path.parent}")


def read_backups(path: Path) -> list[MotorBackup]:
    """Read backups. Raises ConfigError if the file is not one."""
    document = read_yaml(path).data
    if document.get("version") != VERSION:
        raise ConfigError(f"{path} is no backup of motors: `version: {VERSION}` is missing")
    try:
        backups = [_backup(entry) for entry in document["motors"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path} is no backup of motors: {error}") from error
    ids = [one.id for one in backups]
    twice = next((motor for motor in ids if ids.count(motor) > 1), None)
    if twice is not None:
        raise ConfigError(f"{path}: motor {twice} is in it twice")
    return backups


def _backup(entry: Mapping[str, Any]) -> MotorBackup:
    number = entry["model_number"]
    settings = {str(name): float(value) for name, value in entry["settings"].items()}
    model_number = None if number is None else int(number)
    return MotorBackup(int(entry["id"]), str(entry["protocol"]), int(entry["baudrate"]), model_number, settings)
