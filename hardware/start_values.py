"""Start values of the joints of a new robot, by family of its motors: rules that fit the shipped robots."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StartValues:
    """What `sim2real new robot` writes for motors of a family; every value is marked as a guess there."""

    motor: str
    """The motor that is taken when none is named: a shipped one, or the absolute path of a YAML in another package."""
    mode: str
    port: str
    """Where the adapter usually shows up."""
    baudrate: str
    baudrate_check: str
    """Where the speed is from, in words."""
    centre: float
    """Motor angle in the middle of the encoder's turn, degrees: there the joint's zero is put."""
    effort_share: float
    """Effort limit as a share of the stall torque."""
    velocity_share: float
    """Velocity limit as a share of the speed without load."""
    reach: float
    """Position error at which the stiffness asks for the effort limit, rad."""
    decay: float
    """Damping over stiffness, s."""
