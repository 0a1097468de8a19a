"""How readings err: gain and bias of an episode, white noise of a tick, the resolution of the registers."""

import numpy as np

from sim2real.configs.schema.parameter_catalogue import PARAMETERS
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.model.injection import IMU_GROUPS
from sim2real.model.model import JOINT_GROUPS, TIP_GROUP
from sim2real.randomization.parameters import EpisodeParameters
from sim2real.randomization.random_streams import Float32Array, RandomStreams


class ReadingNoise:
    """Noise of one group of readings of n robots: o = o₀·(1 + gain) + bias + white, then rounded to the resolution.

    Gain and bias are correlated noise, drawn once per episode; white noise is drawn every tick (arXiv 1910.07113,
    appendix B).

    Args:
        width: Number of readings, J.
        parameters: How large the errors are: standard deviations of the parameters `NAME_gain`, `_bias`, `_white`.
        name: What the parameters' names begin with.
        resolution: Size of one register count for every reading, (J,); 0 leaves the readings unrounded.
    """

    def __init__(self, width: int, parameters: EpisodeParameters, name: str, resolution: Float64Array) -> None:
        n = len(parameters.values)
        gain, bias, white = (_array(parameters, f"{name}_{part}") for part in ("gain", "bias", "white"))
        self._gain_std, self._bias_std, self._white_std = gain, bias, white
        self._rounds = bool(np.all(resolution > 0.0))
        self._resolution = resolution
        self._factor = np.ones((n, width))
        self._bias = np.zeros((n, width))
        self.width = 0 if white is None else width
        """How many numbers of white noise a tick takes."""
        self._white = np.zeros((n, self.width))

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw the gain and bias errors of new episodes."""
        width = self._bias.shape[1]
        if self._gain_std is not None:
            self._factor[ids] = 1.0 + self._gain_std[ids] * streams.normal(ids, width)
        if self._bias_std is not None:
            self._bias[ids] = self._bias_std[ids] * streams.normal(ids, width)

    def apply(self, values: Float64Array, white: Float32Array) -> None:
        """Turn true values of all robots, (n, J), into readings, in place, with unit noise (n, width)."""
        if self._white_std is not None:
            np.multiply(white, self._white_std, out=self._white)
        self._read(values, self._factor, self._bias, self._white)

    def first(self, ids: Indices, values: Float64Array, streams: RandomStreams) -> None:
        """Turn true values of some robots, (k, J), into readings, in place."""
        white = np.zeros((len(ids), 0))
        if self._white_std is not None:
            white = self._white_std[ids] * streams.normal(ids, self.width)
        self._read(values, self._factor[ids], self._bias[ids], white)

    def state_dict(self) -> dict[str, Float64Array]:
        """Return the errors of the running episodes."""
        return {"factor": self._factor.copy(), "bias": self._bias.copy()}

    def load_state_dict(self, state: dict[str, Float64Array]) -> None:
        """Take over the errors that `state_dict` returned."""
        self._factor[...] = state["factor"]
        self._bias[...] = state["bias"]

    def _read(self, values: Float64Array, factor: Float64Array, bias: Float64Array, white: Float64Array) -> None:
        if self._gain_std is not None:
            np.multiply(values, factor, out=values)
        if self._bias_std is not None:
            np.add(values, bias, out=values)
        if self._white_std is not None:
            np.add(values, white, out=values)
        if self._rounds:
            quantize(values, self._resolution)


class OrientationNoise:
    """Noise of the orientation readings of n robots with K IMUs: the true one times a small turn about each axis.

    The turn is bias + white, with the bias drawn once per episode; for angles of a few degrees it is the quaternion
    (1, angles / 2), brought to length 1.

    Args:
        imus: K
        parameters: `orientation_bias` and `orientation_white` are standard deviations about each axis, rad.
    """

    def __init__(self, imus: int, parameters: EpisodeParameters) -> None:
        self._bias_std = parameters.array("orientation_bias")
        self._white_std = parameters.array("orientation_white")
        n = len(parameters.values)
        self._half_bias = np.zeros((n, 3 * imus))
        self.width = 0 if self._white_std is None else 3 * imus
        """How many numbers of white noise a tick takes."""

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw the biases of new episodes."""
        if self._bias_std is not None:
            self._half_bias[ids] = 0.5 * self._bias_std[ids] * streams.normal(ids, self._half_bias.shape[1])

    def apply(self, values: Float64Array, white: Float32Array) -> None:
        """Turn true orientations of all robots, (n, 4K), into readings, in place, with unit noise (n, width)."""
        if self._white_std is not None:
            turn(values, self._half_bias + white * (0.5 * self._white_std))
        elif self._bias_std is not None:
            turn(values, self._half_bias)

    def first(self, ids: Indices, values: Float64Array, streams: RandomStreams) -> None:
        """Turn true orientations of some robots, (k, 4K), into readings, in place."""
        half = self._half_bias[ids]
        if self._white_std is not None:
            half = half + streams.normal(ids, self.width) * (0.5 * self._white_std[ids])
        if self.width or self._bias_std is not None:
            turn(values, half)

    def state_dict(self) -> dict[str, Float64Array]:
        """Return the errors of the running episodes."""
        return {"bias": self._half_bias.copy()}

    def load_state_dict(self, state: dict[str, Float64Array]) -> None:
        """Take over the errors that `state_dict` returned."""
        self._half_bias[...] = state["bias"]


def turn(values: Float64Array, half: Float64Array) -> None:
    """Turn orientations, (n, 4K), by small angles about their own axes, given halved, (n, 3K), rad, in place."""
    quaternion, angles = values.reshape(len(values), -1, 4), half.reshape(len(values), -1, 3)
    w, x, y, z = (quaternion[:, :, part].copy() for part in range(4))
    a, b, c = (angles[:, :, axis] for axis in range(3))
    quaternion[:, :, 0] = w - x * a - y * b - z * c
    quaternion[:, :, 1] = x + w * a + y * c - z * b
    quaternion[:, :, 2] = y + w * b + z * a - x * c
    quaternion[:, :, 3] = z + w * c + x * b - y * a
    quaternion /= np.sqrt(np.square(quaternion).sum(axis=2, keepdims=True))


def quantize(values: Float64Array, resolution: Float64Array) -> None:
    """Round to whole register counts, in place."""
    np.divide(values, resolution, out=values)
    np.rint(values, out=values)
    np.multiply(values, resolution, out=values)


def register_resolution(robot: RobotConfig) -> dict[str, Float64Array]:
    """Return the size of one register count for every joint, (J,), by group of readings, SI units."""
    motors = [joint.motor for joint in robot.joints.values()]
    return {
        "joint_position": np.array([2.0 * np.pi / motor.counts_per_revolution for motor in motors]),
        "joint_velocity": np.array([motor.velocity_unit for motor in motors]),
        "joint_effort": np.array([motor.effort_unit for motor in motors]),
    }


def reading_noises(
    groups: tuple[str, ...], parameters: EpisodeParameters, robot: RobotConfig, *, rounds: bool
) -> dict[str, ReadingNoise | OrientationNoise]:
    """Return the noise of every group of readings that is observed."""
    resolution = register_resolution(robot)
    noises: dict[str, ReadingNoise | OrientationNoise] = {}
    for group in groups:
        if group in JOINT_GROUPS:
            noises[group] = ReadingNoise(len(robot.joints), parameters, group, resolution[group] * float(rounds))
        elif group == TIP_GROUP:
            noises[group] = ReadingNoise(3, parameters, group, np.zeros(3))
        elif group == "orientation":
            noises[group] = OrientationNoise(len(robot.imus), parameters)
        elif group in IMU_GROUPS:
            # An IMU's counts are far finer than its noise, so its readings are not rounded.
            noises[group] = ReadingNoise(3 * len(robot.imus), parameters, group, np.zeros(3 * len(robot.imus)))
    return noises


def _array(parameters: EpisodeParameters, name: str) -> Float64Array | None:
    """Return the live values of a parameter, or None; not every reading has every kind of error."""
    return parameters.array(name) if name in PARAMETERS else None
