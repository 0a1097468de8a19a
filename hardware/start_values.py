"""Start values for the joints of a new robot, by motor family: rules of thumb that fit the shipped robots."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StartValues:
    """What `sim2real new robot` writes for motors of a family; the file marks every value as a guess."""

    motor: str
    """Default motor: a shipped one, or the absolute path of a YAML in another package."""
    mode: str
    """Control mode of the joints."""
    port: str
    """Usual device path of the adapter."""
    baudrate: str
    """Baud rate of the bus, as written in YAML."""
    baudrate_check: str
    """Source of the baud rate, as a comment in the file."""
    centre: float
    """Motor angle in the middle of the encoder's turn, degrees; becomes the joint's zero."""
    effort_share: float
    """Effort limit as a share of the stall torque."""
    velocity_share: float
    """Velocity limit as a share of the no-load speed."""
    reach: float
    """Position error at which the stiffness alone demands the effort limit, rad."""
