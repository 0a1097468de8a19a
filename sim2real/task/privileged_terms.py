"""The shipped privileged terms: inputs of the critic that the policy never gets."""

from sim2real.hardware.types import Float64Array
from sim2real.task.declaration import privileged
from sim2real.task.privileged_inputs import PrivilegedInputs


@privileged(size=4, needs=("base",), mirror=("vector", "negated"))
def base_velocity(inputs: PrivilegedInputs) -> list[Float64Array]:
    """Velocity of the base, forward, left, up, m/s, and its yaw rate, rad/s / 2."""
    return [inputs.state.base.velocity, 0.5 * inputs.state.base.yaw_rate[:, None]]


@privileged(size=4, needs=("base",), mirror=("same", "vector"))
def base_height(inputs: PrivilegedInputs) -> list[Float64Array]:
    """Height of the base above the ground, m · 5, and the direction of gravity in its frame."""
    return [5.0 * inputs.state.base.height[:, None], inputs.state.base.down]


@privileged(size=lambda of: 3 * of.feet, needs=("base", "feet", "gait"), mirror=("feet", "feet", "feet"))
def feet(inputs: PrivilegedInputs) -> list[Float64Array]:
    """Heights of the feet, their target heights by the gait, m · 20, and their speeds, m/s."""
    own = inputs.state.feet
    return [20.0 * own.height, 20.0 * own.target, own.speed]


@privileged(size=lambda of: 2 * of.joints, mirror=("joints", "joints"))
def joint_state(inputs: PrivilegedInputs) -> list[Float64Array]:
    """True joint positions from the default pose, rad, and velocities, rad/s / 5."""
    return [inputs.state.position - inputs.constants.default, 0.2 * inputs.state.velocity]


@privileged(size=6, needs=("tip",), mirror=("vector", "vector"))
def tip_offset(inputs: PrivilegedInputs) -> list[Float64Array]:
    """From the tip to where it should be, m · 10, and its velocity, m/s."""
    return [10.0 * inputs.state.tip_offset, inputs.state.tip_velocity]


@privileged(size=2, needs=("rail",), mirror=("same", "same"))
def rail(inputs: PrivilegedInputs) -> list[Float64Array]:
    """Height on the rail, m · 5, and velocity, m/s."""
    return [5.0 * inputs.state.rail_height[:, None], inputs.state.rail_velocity[:, None]]


@privileged(size=1, needs=("travel",))
def travel(inputs: PrivilegedInputs) -> list[Float64Array]:
    """Velocity along a boom, m/s."""
    return [inputs.state.travel_velocity[:, None]]


@privileged(size=lambda of: of.parameters, scaled=True, mirror=("parameters",))
def parameters(inputs: PrivilegedInputs) -> list[Float64Array]:
    """Randomised parameters of the episode, in half widths of their limits from the calibrated values."""
    return [inputs.parameters]


@privileged(size=2, mirror=("same", "negated"))
def disturbance(inputs: PrivilegedInputs) -> list[Float64Array]:
    """Remaining velocity change of a push, m/s."""
    return [inputs.push]
