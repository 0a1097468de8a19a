"""Errors of the hardware layer."""

from sim2real.configs.errors import UserError


class ProtocolError(Exception):
    """Bytes that are not a valid message. The only exception a codec raises."""


class HardwareError(UserError):
    """The robot's hardware is not as the configuration says, or does not answer."""


class PortLostError(HardwareError):
    """The serial port vanished: unplugged adapter, closed pseudo-terminal."""
