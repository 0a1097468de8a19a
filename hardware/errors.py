"""Errors of the hardware layer."""

from sim2real.configs.errors import UserError


class ProtocolError(Exception):
    """Bytes that are not a valid message. The only exception a codec raises."""


class HardwareError(UserError):
    """The hardware does not answer, or does not match the configuration."""


class PortLostError(HardwareError):
    """The serial port vanished: unplugged adapter, closed pseudo-terminal."""


class CancelledError(HardwareError):
    """A stop was asked for while motors were being opened or switched on; torque is off."""


class TorqueOnError(HardwareError):
    """Torque off was sent, and these motors did not confirm it.

    Attributes:
        joints: The joints of these motors.
    """

    def __init__(self, joints: tuple[str, ...]) -> None:
        super().__init__(f"torque may still be on; no confirmation from {', '.join(map(repr, joints))}")
        self.joints = joints
