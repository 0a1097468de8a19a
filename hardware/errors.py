"""Errors of the hardware layer."""

from sim2real.configs.errors import UserError


class ProtocolError(Exception):
    """Bytes that are not a valid message. The only exception a codec raises."""


class HardwareError(UserError):
    """The hardware does not answer, or does not match the configuration."""


class PortLostError(HardwareError):
    """The serial port vanished: unplugged adapter, closed pseudo-terminal."""
