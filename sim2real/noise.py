"""How readings err: gain and bias of an episode, white noise of a tick, the resolution of the registers."""

import numpy as np

from configs.schema.randomization import NoiseConfig
from configs.schema.robot import RobotConfig
from hardware.types import Float64Array
from sim2real.model import Indices


class ReadingNoise:
    """Noise of one group of readings of n robots: o = o₀·(1 + gain) + bias + white, then rounded to the resolution.

    Gain and bias are correlated noise, drawn once per episode; white noise is drawn every tick (arXiv 1910.07113,
    appendix B).

    Args:
        n: Number of robots.
        gain: Standard deviation of the gain error.
        bias: Standard deviation of the bias, in the reading's unit.
        white: Standard deviation of the white noise, in the reading's unit.
        resolution: Size of one register count for every joint, (J,); 0 leaves the readings unrounded.
    """

    def __init__(self, n: int, gain: float, bias: float, white: float, resolution: Float64Array) -> None:
        joints = len(resolution)
        self._rounds = bool(np.all(resolution > 0.0))
        self._gain_std, self._bias_std, self._white_std = gain, bias, np.float32(white)
        self._resolution = resolution
        self._factor = np.ones((n, joints))
        self._bias = np.zeros((n, joints))
        self._white = np.zeros((n, joints), np.float32)

    def begin(self, ids: Indices, rng: np.random.Generator) -> None:
        """Draw the gain and bias errors of new episodes."""
        shape = (len(ids), self._bias.shape[1])
        if self._gain_std > 0.0:
            self._factor[ids] = 1.0 + self._gain_std * rng.standard_normal(shape)
        if self._bias_std > 0.0:
            self._bias[ids] = self._bias_std * rng.standard_normal(shape)

    def apply(self, values: Float64Array, rng: np.random.Generator) -> None:
        """Turn true values of all robots, (n, J), into readings, in place."""
        if self._white_std > 0.0:
            rng.standard_normal(out=self._white, dtype=np.float32)
            np.multiply(self._white, self._white_std, out=self._white)
        self._read(values, self._factor, self._bias, self._white)

    def first(self, ids: Indices, values: Float64Array, rng: np.random.Generator) -> None:
        """Turn true values of some robots, (k, J), into readings, in place."""
        white = self._white_std * rng.standard_normal(values.shape, dtype=np.float32)
        self._read(values, self._factor[ids], self._bias[ids], white)

    def state_dict(self) -> dict[str, Float64Array]:
        """Return the errors of the running episodes."""
        return {"factor": self._factor.copy(), "bias": self._bias.copy()}

    def load_state_dict(self, state: dict[str, Float64Array]) -> None:
        """Take over the errors that `state_dict` returned."""
        self._factor[...] = state["factor"]
        self._bias[...] = state["bias"]

    def _read(self, values: Float64Array, factor: Float64Array, bias: Float64Array, white: np.ndarray) -> None:
        if self._gain_std > 0.0:
            np.multiply(values, factor, out=values)
        if self._bias_std > 0.0:
            np.add(values, bias, out=values)
        if self._white_std > 0.0:
            np.add(values, white, out=values)
        if self._rounds:
            quantize(values, self._resolution)


class OrientationNoise:
    """Noise of the orientation readings of n robots with K IMUs: the true one times a small turn about each axis.

    The turn is bias + white, with the bias drawn once per episode; for angles of a few degrees it is the quaternion
    (1, angles / 2), brought to length 1.

    Args:
        n: Number of robots.
        imus: K
        bias: Standard deviation about each axis, rad.
        white: Standard deviation about each axis, rad.
    """

    def __init__(self, n: int, imus: int, bias: float, white: float) -> None:
        self._bias_std, self._white_std = bias, white
        self._bias = np.zeros((n, imus, 3))

    def begin(self, ids: Indices, rng: np.random.Generator) -> None:
        """Draw the biases of new episodes."""
        if self._bias_std > 0.0:
            self._bias[ids] = self._bias_std * rng.standard_normal((len(ids), *self._bias.shape[1:]))

    def apply(self, values: Float64Array, rng: np.random.Generator) -> None:
        """Turn true orientations of all robots, (n, 4K), into readings, in place."""
        self._turn(values, self._bias, rng)

    def first(self, ids: Indices, values: Float64Array, rng: np.random.Generator) -> None:
        """Turn true orientations of some robots, (k, 4K), into readings, in place."""
        self._turn(values, self._bias[ids], rng)

    def state_dict(self) -> dict[str, Float64Array]:
        """Return the errors of the running episodes."""
        return {"bias": self._bias.copy()}

    def load_state_dict(self, state: dict[str, Float64Array]) -> None:
        """Take over the errors that `state_dict` returned."""
        self._bias[...] = state["bias"]

    def _turn(self, values: Float64Array, bias: Float64Array, rng: np.random.Generator) -> None:
        if self._bias_std == self._white_std == 0.0:
            return
        half = 0.5 * bias
        if self._white_std > 0.0:
            half += 0.5 * self._white_std * rng.standard_normal(bias.shape)
        quaternion = values.reshape(len(values), -1, 4)
        w, x, y, z = (quaternion[:, :, part].copy() for part in range(4))
        a, b, c = (half[:, :, axis] for axis in range(3))
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
    effort = np.array([motor.effort_unit for motor in motors])
    return {
        "joint_position": np.array([2.0 * np.pi / motor.counts_per_revolution for motor in motors]),
        "joint_velocity": np.array([motor.velocity_unit for motor in motors]),
        "joint_effort": effort,
    }


def reading_noises(n: int, noise: NoiseConfig, robot: RobotConfig) -> dict[str, ReadingNoise | OrientationNoise]:
    """Return the noise of every group of readings."""
    resolution = register_resolution(robot)
    imus, gyro = len(robot.imus), noise.angular_velocity
    noises: dict[str, ReadingNoise | OrientationNoise] = {
        group: ReadingNoise(n, entry.gain, entry.bias, entry.white, resolution[group] * float(noise.quantize))
        for group, entry in (
            ("joint_position", noise.joint_position),
            ("joint_velocity", noise.joint_velocity),
            ("joint_effort", noise.joint_effort),
        )
    }
    # An IMU's counts are far finer than its noise, so its readings are not rounded.
    noises["angular_velocity"] = ReadingNoise(n, 0.0, gyro.bias, gyro.white, np.zeros(3 * imus))
    noises["orientation"] = OrientationNoise(n, imus, noise.orientation.bias, noise.orientation.white)
    return noises
