"""The shipped privileged terms: what a critic may see beside the observation; no policy ever does."""

from sim2real.hardware.types import Float64Array
from sim2real.task.declaration import privileged
from sim2real.task.seen import Seen


@privileged(size=4, needs=("base",))
def base_velocity(seen: Seen) -> list[Float64Array]:
    """Velocity of the base, forward, left, up, m/s, and its yaw rate, rad/s / 2."""
    return [seen.state.base.velocity, 0.5 * seen.state.base.yaw_rate[:, None]]


@privileged(size=4, needs=("base",))
def base_height(seen: Seen) -> list[Float64Array]:
    """Height of the base above the ground, m · 5, and the direction of gravity in its frame."""
    return [5.0 * seen.state.base.height[:, None], seen.state.base.down]


@privileged(size=lambda of: 3 * of.feet, needs=("base", "feet", "gait"))
def feet(seen: Seen) -> list[Float64Array]:
    """Heights of the feet and the heights the gait wants, m · 20, and their speeds, m/s."""
    own = seen.state.feet
    return [20.0 * own.height, 20.0 * own.wanted, own.speed]


@privileged(size=lambda of: 2 * of.joints)
def joint_state(seen: Seen) -> list[Float64Array]:
    """True joint positions from the default pose, rad, and velocities, rad/s / 5."""
    return [seen.state.position - seen.constants.default, 0.2 * seen.state.velocity]


@privileged(size=6, needs=("tip",))
def tip_offset(seen: Seen) -> list[Float64Array]:
    """From the tip to where it should be, m · 10, and its velocity, m/s."""
    return [10.0 * seen.state.tip_offset, seen.state.tip_velocity]


@privileged(size=2, needs=("rail",))
def rail(seen: Seen) -> list[Float64Array]:
    """Height on the rail, m · 5, and velocity, m/s."""
    return [5.0 * seen.state.rail_height[:, None], seen.state.rail_velocity[:, None]]


@privileged(size=1, needs=("travel",))
def travel(seen: Seen) -> list[Float64Array]:
    """Velocity along a boom, m/s."""
    return [seen.state.travel_velocity[:, None]]


@privileged(size=lambda of: of.parameters)
def parameters(seen: Seen) -> list[Float64Array]:
    """What was drawn for the episode."""
    return [seen.parameters]


@privileged(size=2)
def disturbance(seen: Seen) -> list[Float64Array]:
    """What is left of a push, m/s."""
    return [seen.push]
