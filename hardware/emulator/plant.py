"""The plant: mechanics that turn efforts into joint angles; chosen by name from the installed plants."""

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.plugins import Plugins, unknown
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.gear_friction import GearFriction
from sim2real.hardware.imu.sample import Motion
from sim2real.hardware.types import Float64Array

AUTO_PLANT = "auto"

AT_REST = Motion((1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 9.81))
"""A body at rest, upright, in MuJoCo's default gravity."""


class Plant(Protocol):
    """The mechanics of a robot in joint coordinates; the firmware model simulates the motors' electronics.

    The plant includes gear friction and rotor inertia. Arrays are (J,) in the order of the robot's joints.
    """

    timestep_ns: int
    """Timestep, ns."""
    position: Float64Array
    """Joint angles, rad; `step` updates them in place."""
    velocity: Float64Array
    """Joint velocities, rad/s; `step` updates them in place."""

    def step(self, effort: Float64Array) -> None:
        """Advance one timestep with the motors' electromagnetic torques at the joints, N·m."""
        ...

    def imu(self, body: str) -> Motion:
        """Return the motion of a body that carries an IMU; at most one timestep old."""
        ...


@runtime_checkable
class JammingPlant(Plant, Protocol):
    """A plant whose joints can jam, for the fault `jammed`."""

    def jam(self, joint: int, jammed: bool) -> None:
        """Hold the joint with this index where it is, whatever the effort, or release it."""
        ...


@runtime_checkable
class GripPlant(Plant, Protocol):
    """A plant whose joints can be moved by hand."""

    def grip(self, joint: int, velocity: float | None) -> None:
        """Move the joint with this index at a velocity (rad/s) from now on, whatever the effort; None lets it go."""
        ...


@dataclass(frozen=True)
class BasePose:
    """Where a floating base is put, at rest."""

    height: float | None = None
    """m above the floor; that of the model when None."""
    roll: float = 0.0
    """rad, about x; the first of the three turns."""
    pitch: float = 0.0
    """rad, about y; the second."""
    yaw: float = 0.0
    """rad, about z; the last."""


@dataclass(frozen=True, slots=True)
class BaseMotion:
    """What the floating base of a robot does."""

    height: float
    """m above the floor."""
    tilt: float
    """rad, between the base and upright."""
    speed: float
    """m/s, horizontal."""


@runtime_checkable
class PlaceablePlant(Plant, Protocol):
    """A plant that can be put into a pose before the robot is powered up."""

    def place(self, position: Float64Array, base: BasePose | None) -> None:
        """Put the robot, at rest, with these joint angles, (J,), rad. Raises UserError if it has no such base."""
        ...


@runtime_checkable
class PushablePlant(Plant, Protocol):
    """A plant with bodies that can be pushed, and a base whose motion can be told."""

    def push(self, body: str, force: Sequence[float]) -> None:
        """Let a force act at the centre of mass of a body from now on: world frame, (3,), N.

        Raises:
            UserError: There is no such body.
        """
        ...

    def base(self) -> BaseMotion | None:
        """Return the motion of the floating base; None where the robot has none."""
        ...


class InertiaPlant:
    """Every joint is only its rotor with friction: first order in velocity, no gravity, no coupling."""

    timestep_ns = 1_000_000

    def __init__(self, robot: RobotConfig) -> None:
        joints = list(robot.joints.values())
        self.position = np.array([joint.default_position for joint in joints])
        self.velocity = np.zeros(len(joints))
        # A joint without inertia would reach infinite speed; 1e-4 kg·m² is a horn and its screws.
        self._inertia = np.array([max(joint.motor.armature, 1e-4) for joint in joints])
        self._viscous = np.array([joint.motor.friction.viscous for joint in joints])
        self._friction = GearFriction([joint.motor.friction for joint in joints])
        self._coulomb, self._nothing = self._friction.coulomb, np.zeros(len(joints))
        self._dt = self.timestep_ns * 1e-9
        self._moves = np.ones(len(joints))
        self._gripped: dict[int, float] = {}

    def step(self, effort: Float64Array) -> None:
        """Advance one step: semi-implicit Euler, viscous friction implicit; dry friction never reverses motion."""
        free = (self._inertia * self.velocity + self._dt * effort) / (self._inertia + self._dt * self._viscous)
        dry = self._friction.budget(self.velocity, effort, self._nothing) if self._friction.varies else self._coulomb
        stop = self._dt * dry / self._inertia
        self.velocity[:] = np.sign(free) * np.maximum(np.abs(free) - stop, 0.0) * self._moves
        for joint, velocity in self._gripped.items():
            self.velocity[joint] = velocity
        self.position += self._dt * self.velocity

    def imu(self, body: str) -> Motion:
        """Return the motion of a body at rest, upright: this plant has no bodies."""
        return AT_REST

    def place(self, position: Float64Array, base: BasePose | None) -> None:
        """Put the joints at these angles, (J,), rad."""
        if base is not None:
            raise UserError("the plant `inertia` has no floating base; use --plant mujoco")
        self.position[:] = position
        self.velocity[:] = 0.0

    def jam(self, joint: int, jammed: bool) -> None:
        """Hold a joint where it is, or release it."""
        self._moves[joint] = 0.0 if jammed else 1.0

    def grip(self, joint: int, velocity: float | None) -> None:
        """Move a joint at a velocity, rad/s, or let it go."""
        if velocity is None:
            self._gripped.pop(joint, None)
        else:
            self._gripped[joint] = velocity


PLANTS: Final[Plugins[Callable[[RobotConfig], Plant]]] = Plugins(
    "sim2real.plants", "plant", lambda part: None if callable(part) else "is not callable with a robot"
)
"""Factories of the installed plants, by name."""


def choose_plant(name: str, robot: RobotConfig | None = None) -> str:
    """Resolve the name of a plant: `auto` is mujoco if it is installed and the robot has a model, else inertia.

    Raises:
        ConfigError: No such plant.
    """
    if name != AUTO_PLANT:
        if name not in PLANTS:
            raise ConfigError(unknown("plant", name, (AUTO_PLANT, *PLANTS.names)))
        return name
    # The entry point exists without the extra, so check the library itself.
    if robot is not None and robot.model is None:
        return "inertia"
    installed = "mujoco" in PLANTS and importlib.util.find_spec("mujoco") is not None
    return "mujoco" if installed else "inertia"


def make_plant(name: str, robot: RobotConfig) -> Plant:
    """Make the plant of a robot.

    Args:
        name: An entry point of the group `sim2real.plants`: `inertia`, or `mujoco` with the train extra.
        robot: The robot to simulate.

    Raises:
        UserError: No such plant, or a library that it needs is not installed.
        PluginError: The plant's package is broken.
    """
    try:
        factory = PLANTS[name]
    except ModuleNotFoundError as error:
        raise UserError(
            f"plant {name!r} needs {error.name}, which is not installed: pip install 'sim2real[train]'"
        ) from error
    return factory(robot)
