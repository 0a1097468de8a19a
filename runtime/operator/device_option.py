"""The option `--operator`: its text to a device."""

from sim2real.configs.errors import UserError
from sim2real.runtime.operator.desk import OperatorDesk
from sim2real.runtime.operator.device import Device
from sim2real.runtime.operator.gamepad import Gamepad
from sim2real.runtime.operator.keyboard import Keyboard
from sim2real.runtime.operator.run_state import RunState
from sim2real.runtime.operator.socket_device import SocketDevice

VALID = "keyboard, gamepad, gamepad:/dev/input/eventN, socket:PATH"


def check_option(option: str) -> None:
    """Raise UserError unless the text names a device."""
    kind, separator, path = option.partition(":")
    if option == "keyboard" or (kind == "gamepad" and bool(path) == bool(separator)) or (kind == "socket" and path):
        return
    raise UserError(f"--operator {option}: no such device; valid: {VALID}")


def device_of(option: str, desk: OperatorDesk, state: RunState) -> Device:
    """Return the device, not yet opened. Raises UserError when the text names none."""
    check_option(option)
    kind, _, path = option.partition(":")
    commands = state.briefing.commands
    if kind == "keyboard":
        return Keyboard(commands, desk)
    if kind == "gamepad":
        return Gamepad(commands, desk, path)
    return SocketDevice(path, desk, state.document, state.briefing)
