"""Errors of the hardware layer."""

from sim2real.configs.errors import UserError


class ProtocolError(Exception):
    """Bytes that are not a valid message. The only exception a codec raises."""


class HardwareError(UserError):
    """The hardware does not answer, or does not match the configuration."""


class PortLostError(HardwareError):
    """The serial port vanished: unplugged adapter, closed pseudo-terminal."""


class CancelledError(UserError):
    """A stop was asked for while motors were being opened or switched on; torque is off."""


class TorqueOnError(HardwareError):
    """Torque off was sent, and these motors did not confirm it.

    Args:
        joints: The joints of these motors.
        cause: What made it necessary to switch torque off; empty if it was asked for.

    Attributes:
        joints: The joints of these motors.
    """

    def __init__(self, joints: tuple[str, ...], cause: str = "") -> None:
        names = ", ".join(map(repr, joints))
        super().__init__(f"{cause}{'; ' if cause else ''}torque may still be on; no confirmation from {names}")
        self.joints = joints
