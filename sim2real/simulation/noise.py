"""Errors of readings: gain and bias per episode, white noise per tick, register resolution."""

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
        parameters: Source of the standard deviations `NAME_gain`, `NAME_bias` and `NAME_white`.
        name: NAME of these parameters.
        resolution: One register count of each reading, (J,); 0 for readings that are not rounded.
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
        """White-noise samples per tick and robot."""
        self._white = np.zeros((n, self.width))

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw gain and bias errors for new episodes."""
        width = self._bias.shape[1]
        if self._gain_std is not None:
            self._factor[ids] = 1.0 + self._gain_std[ids] * streams.normal(ids, width)
        if self._bias_std is not None:
            self._bias[ids] = self._bias_std[ids] * streams.normal(ids, width)

    def apply(self, values: Float64Array, white: Float32Array) -> None:
        """Convert true values of all robots, (n, J), to readings, in place, with unit noise (n, width)."""
        if self._white_std is not None:
            np.multiply(white, self._white_std, out=self._white)
        self._read(values, self._factor, self._bias, self._white)

    def apply_first(self, ids: Indices, values: Float64Array, streams: RandomStreams) -> None:
        """Convert true values of new episodes, (k, J), to readings, in place."""
        white = np.zeros((len(ids), 0))
        if self._white_std is not None:
            white = self._white_std[ids] * streams.normal(ids, self.width)
        self._read(values, self._factor[ids], self._bias[ids], white)

    def state_dict(self) -> dict[str, Float64Array]:
        """Return the errors of the running episodes."""
        return {"factor": self._factor.copy(), "bias": self._bias.copy()}

    def load_state_dict(self, state: dict[str, Float64Array]) -> None:
        """Restore what `state_dict` returned."""
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
            round_to_counts(values, self._resolution)


class OrientationNoise:
    """Noise of the orientation readings of n robots with K IMUs: a small rotation about the IMU's own axes.

    The rotation angles are bias + white, with the bias drawn once per episode. The small-angle quaternion is
    (1, angles / 2), normalised.

    Args:
        imus: K
        parameters: Source of `orientation_bias` and `orientation_white`, standard deviations about each axis, rad.
    """

    def __init__(self, imus: int, parameters: EpisodeParameters) -> None:
        self._bias_std = parameters.array("orientation_bias")
        self._white_std = parameters.array("orientation_white")
        n = len(parameters.values)
        self._half_bias = np.zeros((n, 3 * imus))
        self.width = 0 if self._white_std is None else 3 * imus
        """White-noise samples per tick and robot."""

    def begin(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw biases for new episodes."""
        if self._bias_std is not None:
            self._half_bias[ids] = 0.5 * self._bias_std[ids] * streams.normal(ids, self._half_bias.shape[1])

    def apply(self, values: Float64Array, white: Float32Array) -> None:
        """Convert true orientations of all robots, (n, 4K), to readings, in place, with unit noise (n, width)."""
        if self._white_std is not None:
            rotate(values, self._half_bias + white * (0.5 * self._white_std))
        elif self._bias_std is not None:
            rotate(values, self._half_bias)

    def apply_first(self, ids: Indices, values: Float64Array, streams: RandomStreams) -> None:
        """Convert true orientations of new episodes, (k, 4K), to readings, in place."""
        half = self._half_bias[ids]
        if self._white_std is not None:
            half = half + streams.normal(ids, self.width) * (0.5 * self._white_std[ids])
        if self.width or self._bias_std is not None:
            rotate(values, half)

    def state_dict(self) -> dict[str, Float64Array]:
        """Return the errors of the running episodes."""
        return {"bias": self._half_bias.copy()}

    def load_state_dict(self, state: dict[str, Float64Array]) -> None:
        """Restore what `state_dict` returned."""
        self._half_bias[...] = state["bias"]


def rotate(values: Float64Array, half: Float64Array) -> None:
    """Rotate orientations, (n, 4K), in place, by small angles about their own axes.

    Args:
        values: Quaternions w x y z of K IMUs.
        half: Half the angles, (n, 3K), rad.
    """
    quaternion, angles = values.reshape(len(values), -1, 4), half.reshape(len(values), -1, 3)
    w, x, y, z = (quaternion[:, :, part].copy() for part in range(4))
    a, b, c = (angles[:, :, axis] for axis in range(3))
    quaternion[:, :, 0] = w - x * a - y * b - z * c
    quaternion[:, :, 1] = x + w * a + y * c - z * b
    quaternion[:, :, 2] = y + w * b + z * a - x * c
    quaternion[:, :, 3] = z + w * c + x * b - y * a
    quaternion /= np.sqrt(np.square(quaternion).sum(axis=2, keepdims=True))


def round_to_counts(values: Float64Array, resolution: Float64Array) -> None:
    """Round to whole register counts, in place."""
    np.divide(values, resolution, out=values)
    np.rint(values, out=values)
    np.multiply(values, resolution, out=values)


def register_resolution(robot: RobotConfig) -> dict[str, Float64Array]:
    """Return one register count of each joint, (J,), SI units, by group of readings."""
    motors = [joint.motor for joint in robot.joints.values()]
    return {
        "joint_position": np.array([2.0 * np.pi / motor.counts_per_revolution for motor in motors]),
        "joint_velocity": np.array([motor.velocity_unit for motor in motors]),
        "joint_effort": np.array([motor.effort_unit for motor in motors]),
    }


def reading_noises(
    groups: tuple[str, ...], parameters: EpisodeParameters, robot: RobotConfig, *, quantize: bool
) -> dict[str, ReadingNoise | OrientationNoise]:
    """Return the noise of each observed group of readings.

    Args:
        groups: The groups.
        parameters: Source of the standard deviations.
        robot: The robot.
        quantize: Round joint readings to register counts.
    """
    resolution = register_resolution(robot)
    noises: dict[str, ReadingNoise | OrientationNoise] = {}
    for group in groups:
        if group in JOINT_GROUPS:
            noises[group] = ReadingNoise(len(robot.joints), parameters, group, resolution[group] * float(quantize))
        elif group == TIP_GROUP:
            noises[group] = ReadingNoise(3, parameters, group, np.zeros(3))
        elif group == "orientation":
            noises[group] = OrientationNoise(len(robot.imus), parameters)
        elif group in IMU_GROUPS:
            # Not rounded: an IMU's counts are much finer than its noise.
            noises[group] = ReadingNoise(3 * len(robot.imus), parameters, group, np.zeros(3 * len(robot.imus)))
    return noises


def _array(parameters: EpisodeParameters, name: str) -> Float64Array | None:
    """Return the live values of a parameter, or None; not every reading has every kind of error."""
    return parameters.array(name) if name in PARAMETERS else None
