"""The shipped observation terms, each an entry point as anybody's."""

import math

import numpy as np

from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.observation_term import Inputs, Sizes, observation_term


def _joints(sizes: Sizes) -> int:
    return sizes.joints


def _axes_of_imus(sizes: Sizes) -> int:
    return 3 * sizes.imus


@observation_term(width=_joints, readings=("joint_position",), mirror=("joints",))
def joint_position(inputs: Inputs, out: Float64Array) -> None:
    """Joint position relative to the default pose, rad."""
    np.subtract(inputs.signals.joint_position, inputs.default, out=out)


@observation_term(width=_joints, readings=("joint_position",), mirror=("joints",))
def joint_position_sin(inputs: Inputs, out: Float64Array) -> None:
    """Sine of the joint position, for joints that turn all the way round."""
    np.sin(inputs.signals.joint_position, out=out)


@observation_term(width=_joints, readings=("joint_position",), mirror=("joint_values",))
def joint_position_cos(inputs: Inputs, out: Float64Array) -> None:
    """Cosine of the joint position, for joints that turn all the way round."""
    np.cos(inputs.signals.joint_position, out=out)


@observation_term(width=_joints, readings=("joint_velocity",), mirror=("joints",))
def joint_velocity(inputs: Inputs, out: Float64Array) -> None:
    """Joint velocity, rad/s."""
    np.copyto(out, inputs.signals.joint_velocity)


@observation_term(width=_joints, readings=("joint_position",), needs=("position_targets",), mirror=("joints",))
def joint_position_error(inputs: Inputs, out: Float64Array) -> None:
    """Target of the tick before minus joint position, rad: the remaining way, or the sag under load."""
    np.subtract(inputs.signals.joint_target, inputs.signals.joint_position, out=out)


@observation_term(width=_joints, readings=("joint_effort",), mirror=("joints",))
def joint_effort(inputs: Inputs, out: Float64Array) -> None:
    """Measured joint effort, N·m."""
    np.copyto(out, inputs.signals.joint_effort)


@observation_term(width=_joints, mirror=("joints",))
def last_action(inputs: Inputs, out: Float64Array) -> None:
    """The action of the tick before, clipped and filtered."""
    np.copyto(out, inputs.last_action)


@observation_term(width=_axes_of_imus, readings=("angular_velocity",), mirror=("imu_rotations",))
def gyro(inputs: Inputs, out: Float64Array) -> None:
    """Angular velocity of each IMU's body in its own frame, x y z, rad/s."""
    np.copyto(out, inputs.signals.angular_velocity.reshape(out.shape))


@observation_term(width=_axes_of_imus, readings=("orientation",), mirror=("imu_vectors",))
def projected_gravity(inputs: Inputs, out: Float64Array) -> None:
    """Direction of gravity in the frame of each IMU's body, x y z; (0, 0, -1) upright.

    It is the world's (0, 0, -1) turned by the inverse of the orientation (w x y z), minus the third row of its rotation
    matrix: (2(wy - xz), -2(yz + wx), 2(x² + y²) - 1).
    """
    quaternion, scratch = inputs.signals.orientation, inputs.scratch
    if len(out) == 1:  # the same doubles, without a dozen calls of numpy on single numbers
        out[0] = [part for wxyz in quaternion[0].tolist() for part in _down(*wxyz)]
        return
    vector = out.reshape(len(out), -1, 3)
    w, x, y, z = (quaternion[:, :, index] for index in range(4))
    down_x, down_y, down_z = (vector[:, :, index] for index in range(3))
    np.multiply(w, y, out=down_x)
    np.multiply(x, z, out=scratch)
    np.subtract(down_x, scratch, out=down_x)
    np.multiply(y, z, out=down_y)
    np.multiply(w, x, out=scratch)
    np.add(down_y, scratch, out=down_y)
    np.negative(down_y, out=down_y)
    np.multiply(x, x, out=down_z)
    np.multiply(y, y, out=scratch)
    np.add(down_z, scratch, out=down_z)
    np.subtract(down_z, 0.5, out=down_z)
    np.multiply(out, 2.0, out=out)


def _down(w: float, x: float, y: float, z: float) -> tuple[float, float, float]:
    return (w * y - x * z) * 2.0, -(y * z + w * x) * 2.0, (x * x + y * y - 0.5) * 2.0


@observation_term(width=lambda of: of.commands, needs=("commands",), mirror=("commands",))
def command(inputs: Inputs, out: Float64Array) -> None:
    """Operator commands, SI units."""
    np.copyto(out, inputs.signals.command)


@observation_term(width=2, needs=("phase",), mirror=("phase",))
def phase(inputs: Inputs, out: Float64Array) -> None:
    """Sine and cosine of a clock that starts with the episode."""
    if len(out) == 1:  # the same doubles, but for the sine without calls of numpy on single numbers
        turns = inputs.signals.clock.item() * inputs.frequency
        turn = turns - math.floor(turns)
        out[0] = turn * (2.0 * math.pi), (turn + 0.25) * (2.0 * math.pi)
        np.sin(out, out=out)
        return
    sine, cosine = out[:, :1], out[:, 1:]
    np.multiply(inputs.signals.clock, inputs.frequency, out=sine)
    np.floor(sine, out=cosine)
    np.subtract(sine, cosine, out=sine)
    np.add(sine, 0.25, out=cosine)  # cos(x) = sin(x + a quarter turn), so that one call on the whole array does
    np.multiply(out, 2.0 * math.pi, out=out)
    np.sin(out, out=out)


@observation_term(width=3, readings=("joint_position",), needs=("tip",), mirror=("vector",))
def tip_position(inputs: Inputs, out: Float64Array) -> None:
    """Position of the tip by the joint positions, x y z, m, in the frame of the base."""
    np.copyto(out, inputs.tip)


@observation_term(width=3, readings=("joint_position",), needs=("tip", "tip_commands"), mirror=("vector",))
def tip_error(inputs: Inputs, out: Float64Array) -> None:
    """From the tip, by the joint positions, to its commanded position, x y z, m."""
    _towards_target(inputs, inputs.tip, out)


@observation_term(width=3, readings=("tip",), needs=("tip_commands",), mirror=("vector",))
def measured_tip_error(inputs: Inputs, out: Float64Array) -> None:
    """From the tip, as measured from outside the robot, to its commanded position, x y z, m."""
    _towards_target(inputs, inputs.signals.tip, out)


def _towards_target(inputs: Inputs, tip: Float64Array, out: Float64Array) -> None:
    for axis, column in enumerate(inputs.target):
        np.subtract(inputs.signals.command[:, column], tip[:, axis], out=out[:, axis])
