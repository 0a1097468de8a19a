"""Motors that are not factory-new: the settings in a backup of real motors, put into emulated ones."""

from pathlib import Path

from sim2real.configs.errors import UserError
from sim2real.hardware.emulator.robot import EmulatedRobot
from sim2real.hardware.workbench.backup import read_backups


def load_settings(path: Path, emulated: EmulatedRobot) -> None:
    """Give emulated motors the settings of the motors with the same ids in a file that `motors backup` wrote.

    Raises:
        UserError: It is no such file, or a motor has no such setting or refuses its value.
    """
    by_id = {one.id: one for one in read_backups(path)}
    for motor in emulated.motors.values():
        saved = by_id.pop(motor.id, None)
        if saved is None:
            continue
        try:
            motor.restore(motor.saved() | dict(saved.settings))
        except ValueError as error:
            raise UserError(f"{path}: motor {motor.id}: {error}") from error
        motor.boot(emulated.now_ns, 0)
    if by_id:
        raise UserError(f"{path}: the emulator has no motor with id {', '.join(map(str, sorted(by_id)))}")
