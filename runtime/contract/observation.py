"""Signals to observation: the one implementation that simulation and robot share, bit for bit."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import BoolArray, Float64Array
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import KINEMATIC_TERMS, TARGET_TERMS, Contract, ObservationTermSpec

Float32Array = npt.NDArray[np.float32]


@dataclass(slots=True)
class Inputs:
    """Inputs of the terms in one tick of n robots."""

    signals: Signals
    last_action: Float32Array
    """(n, A)"""
    default: Float64Array
    """Default pose, (n, J), rad."""
    frequency: float
    """Hz, of the phase clock; 0 where there is none."""
    scratch: Float64Array
    """(n, K), for intermediate values of terms."""
    tip: Float64Array
    """(n, 3), m, in the frame of the base, from the joint positions; anything where no term needs it."""
    target: tuple[int, ...]
    """Columns of the operator commands of the tip's position, x y z; empty where no term needs them."""


# A term writes its SI value for every row into `out`, (n, width). Only element-wise operations on contiguous arrays are
# allowed: they give the same bits for one row as for thousands, reductions and matrix products do not. Of strided
# arrays only sums, differences and products, which IEEE 754 fixes to the bit.
Term = Callable[[Inputs, Float64Array], None]


def joint_position(inputs: Inputs, out: Float64Array) -> None:
    """Joint position relative to the default pose, rad."""
    np.subtract(inputs.signals.joint_position, inputs.default, out=out)


def joint_position_sin(inputs: Inputs, out: Float64Array) -> None:
    """Sine of the joint position, for joints that turn all the way round."""
    np.sin(inputs.signals.joint_position, out=out)


def joint_position_cos(inputs: Inputs, out: Float64Array) -> None:
    """Cosine of the joint position, for joints that turn all the way round."""
    np.cos(inputs.signals.joint_position, out=out)


def joint_velocity(inputs: Inputs, out: Float64Array) -> None:
    """Joint velocity, rad/s."""
    np.copyto(out, inputs.signals.joint_velocity)


def joint_position_error(inputs: Inputs, out: Float64Array) -> None:
    """Target of the tick before minus joint position, rad: the remaining way, or the sag under load."""
    np.subtract(inputs.signals.joint_target, inputs.signals.joint_position, out=out)


def joint_effort(inputs: Inputs, out: Float64Array) -> None:
    """Measured joint effort, N·m."""
    np.copyto(out, inputs.signals.joint_effort)


def last_action(inputs: Inputs, out: Float64Array) -> None:
    """The action of the tick before, clipped and filtered."""
    np.copyto(out, inputs.last_action)


def gyro(inputs: Inputs, out: Float64Array) -> None:
    """Angular velocity of each IMU's body in its own frame, x y z, rad/s."""
    np.copyto(out, inputs.signals.angular_velocity.reshape(out.shape))


def projected_gravity(inputs: Inputs, out: Float64Array) -> None:
    """Direction of gravity in the frame of each IMU's body, x y z; (0, 0, -1) upright.

    It is the world's (0, 0, -1) turned by the inverse of the orientation (w x y z), minus the third row of its rotation
    matrix: (2(wy - xz), -2(yz + wx), 2(x² + y²) - 1).
    """
    quaternion, scratch = inputs.signals.orientation, inputs.scratch
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


def command(inputs: Inputs, out: Float64Array) -> None:
    """Operator commands, SI units."""
    np.copyto(out, inputs.signals.command)


def phase(inputs: Inputs, out: Float64Array) -> None:
    """Sine and cosine of a clock that starts with the episode."""
    sine, cosine = out[:, :1], out[:, 1:]
    np.multiply(inputs.signals.clock, inputs.frequency, out=sine)
    np.floor(sine, out=cosine)
    np.subtract(sine, cosine, out=sine)
    np.add(sine, 0.25, out=cosine)  # cos(x) = sin(x + a quarter turn), so that one call on the whole array does
    np.multiply(out, 2.0 * math.pi, out=out)
    np.sin(out, out=out)


def tip_position(inputs: Inputs, out: Float64Array) -> None:
    """Position of the tip by the joint positions, x y z, m, in the frame of the base."""
    np.copyto(out, inputs.tip)


def tip_error(inputs: Inputs, out: Float64Array) -> None:
    """From the tip, by the joint positions, to its commanded position, x y z, m."""
    _towards_target(inputs, inputs.tip, out)


def measured_tip_error(inputs: Inputs, out: Float64Array) -> None:
    """From the tip, as measured from outside the robot, to its commanded position, x y z, m."""
    _towards_target(inputs, inputs.signals.tip, out)


def _towards_target(inputs: Inputs, tip: Float64Array, out: Float64Array) -> None:
    for axis, column in enumerate(inputs.target):
        np.subtract(inputs.signals.command[:, column], tip[:, axis], out=out[:, axis])


TERMS: dict[str, Term] = {
    term.__name__: term
    for term in (
        joint_position,
        joint_position_sin,
        joint_position_cos,
        joint_velocity,
        joint_position_error,
        joint_effort,
        last_action,
        gyro,
        projected_gravity,
        command,
        phase,
        tip_position,
        tip_error,
        measured_tip_error,
    )
}


class ObservationPipeline:
    """Computes the observations of n robots into one buffer that it owns; allocates nothing per tick.

    Args:
        contract: Gives the terms, their scales, clips and histories.
        n: Number of robots: thousands in simulation, 1 on the robot.
    """

    def __init__(self, contract: Contract, n: int) -> None:
        self._blocks = [_Block(term, n) for term in contract.observation]
        # One row for each robot: an operand that is broadcast would make numpy allocate buffers at every tick.
        joints = contract.robot.joints
        default = np.tile(np.array([joint.default_position for joint in joints]), (n, 1))
        self._kinematics = Kinematics(contract.robot, n) if contract.observes(*KINEMATIC_TERMS) else None
        self._inputs = Inputs(
            signals=Signals.of(contract, 0),
            last_action=np.zeros((n, contract.action_size), np.float32),
            default=default,
            frequency=contract.phase_frequency or 0.0,
            scratch=np.zeros((n, len(contract.robot.imus))),
            tip=np.zeros((n, 3)),
            target=contract.tip_columns if contract.observes(*TARGET_TERMS) else (),
        )
        self.observation = np.zeros((n, contract.observation_size), np.float32)
        """The observations of the last tick, (n, O)."""
        self._unstarted = np.ones(n, np.bool_)
        self._any_unstarted = True

    def reset(self, ids: npt.NDArray[np.intp] | None = None) -> None:
        """Begin new episodes: the next observation of these rows (all by default) fills their whole history."""
        self._unstarted[slice(None) if ids is None else ids] = True
        self._any_unstarted = True

    def observe(self, signals: Signals, last_action: Float32Array) -> Float32Array:
        """Compute one tick.

        Args:
            signals: Readings of this tick, for n robots.
            last_action: The action pipeline's `last_action`, (n, A).

        Returns:
            The observations, (n, O): the pipeline's own buffer, overwritten by the next call.
        """
        start = 0
        unstarted = self._unstarted if self._any_unstarted else None
        inputs = self._inputs
        inputs.signals, inputs.last_action = signals, last_action
        if self._kinematics is not None:
            inputs.tip = self._kinematics.tip(signals.joint_position)
        for block in self._blocks:
            block.write(inputs, self.observation, start, unstarted)
            start += block.size
        if self._any_unstarted:
            self._unstarted[:] = False
            self._any_unstarted = False
        return self.observation

    def restart(self, rows: npt.NDArray[np.intp], signals: Signals, last_action: Float32Array) -> None:
        """Write the first observation of new episodes of some rows, the whole history at that value.

        Args:
            rows: The k rows that begin a new episode.
            signals: The first readings of those rows, for k robots.
            last_action: (k, A), zeros for a new episode.
        """
        start, count, own = 0, len(rows), self._inputs
        tip = own.tip if self._kinematics is None else self._kinematics.tip(signals.joint_position)
        inputs = Inputs(signals, last_action, own.default[:count], own.frequency, own.scratch[:count], tip, own.target)
        for block in self._blocks:
            value = block.compute(inputs, np.empty((count, block.width)))
            block.load_rows(rows, value)
            self.observation[rows, start : start + block.size] = np.tile(value, (1, block.history))
            start += block.size
        self._unstarted[rows] = False

    def state_dict(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the histories: all that is needed to continue with the same bits."""
        return {"observation": self.observation.copy(), "unstarted": self._unstarted.copy()}

    def load_state_dict(self, state: dict[str, npt.NDArray[np.generic]]) -> None:
        """Restore a state from `state_dict`, of the same contract and size."""
        self.observation[...] = state["observation"]
        self._unstarted[...] = state["unstarted"]
        start = 0
        for block in self._blocks:
            block.load(self.observation[:, start : start + block.size])
            start += block.size
        self._any_unstarted = bool(self._unstarted.any())


class _Block:
    """One term's part of the observation."""

    def __init__(self, spec: ObservationTermSpec, n: int) -> None:
        self.history = spec.history
        self.size = spec.size
        self._term = TERMS[spec.term]
        self.width = spec.width
        self._scale = spec.scale
        self._clip = spec.clip
        self._value = np.zeros((n, spec.width))
        self._ring = [np.zeros((n, spec.width), np.float32) for _ in range(spec.history if spec.history > 1 else 0)]

    def compute(self, inputs: Inputs, value: Float64Array) -> Float64Array:
        """Compute the term's scaled and clipped value into `value`, (rows, width), and return it."""
        self._term(inputs, value)
        if self._scale != 1.0:
            np.multiply(value, self._scale, out=value)
        if self._clip is not None:
            np.clip(value, -self._clip, self._clip, out=value)
        return value

    def write(self, inputs: Inputs, observation: Float32Array, start: int, unstarted: BoolArray | None) -> None:
        """Compute one tick and write the whole block; rows that are unstarted get the value in every place of it."""
        value = self.compute(inputs, self._value)
        if self.history == 1:
            observation[:, start : start + self.width] = value
            return
        # A ring of ticks: shifting within the observation would make numpy copy it, because source and target overlap.
        oldest = self._ring.pop(0)
        np.copyto(oldest, value, casting="same_kind")
        self._ring.append(oldest)
        for place, past in enumerate(self._ring):
            if unstarted is not None:
                np.copyto(past, oldest, where=unstarted[:, None])
            column = start + place * self.width
            observation[:, column : column + self.width] = past

    def load(self, block: Float32Array) -> None:
        """Restore the history from a block of observations, (n, size)."""
        for place, past in enumerate(self._ring):
            past[...] = block[:, place * self.width : (place + 1) * self.width]

    def load_rows(self, rows: npt.NDArray[np.intp], value: Float64Array) -> None:
        """Set the whole history of some rows to one value, (k, width)."""
        for past in self._ring:
            past[rows] = value
