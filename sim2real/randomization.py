"""Physics that differs from episode to episode, drawn into per-simulation model fields."""

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
from mujoco.batch import Batch

from configs.errors import ConfigError
from configs.schema.randomization import PhysicsParameterConfig, RandomizationConfig
from hardware.types import Float64Array
from sim2real.model import GAIN_CONSTANT, GAIN_RESISTANCE, GAIN_VOLTAGE_MAX, Indices, RobotModel


@dataclass(frozen=True)
class Field:
    """One per-simulation model field that a parameter scales."""

    values: Float64Array
    """The batch's live values, (n, …)."""
    calibrated: Float64Array
    """The model's own values, (…)."""
    index: tuple[Indices | int, ...]
    """Which elements, behind the simulation axis: E of them along the first index; empty means the whole field."""

    def scale(self, ids: Indices, factors: Float64Array) -> None:
        """Set the elements of some simulations to their calibrated values times the factors, (k, E)."""
        base = self.calibrated[self.index]
        if not self.index:
            self.values[ids] = base * factors
            return
        shaped = factors.reshape(*factors.shape, *([1] * (base.ndim - 1)))
        self.values[(ids[:, None], *self.index)] = base * shaped


class EpisodePhysics:
    """Draws the physics of new episodes.

    Args:
        batch: The simulations; the fields the parameters touch are expanded.
        robot: Where the joints are.
        config: The parameters; their factors are drawn independently for every element.
        strength: Effort factor of every motor, (n, J); the parameter `motor_constant` writes it, because a motor whose
            constant is higher delivers more torque for the current that its firmware regulates.

    Raises:
        ConfigError: A parameter names an element that the model does not have.
    """

    def __init__(self, batch: Batch, robot: RobotModel, config: RandomizationConfig, strength: Float64Array) -> None:
        self._batch = batch
        self._needs_set_const = False
        self._parameters = [
            (entry, *self._fields(entry, batch, robot, strength, config.name)) for entry in config.physics
        ]

    @property
    def field_names(self) -> list[str]:
        """Names of the model fields that differ between simulations because of the parameters."""
        return sorted({name for entry, _, _ in self._parameters for name, _ in PARAMETERS[entry.parameter].fields})

    def draw(self, ids: Indices, rng: np.random.Generator) -> None:
        """Draw new physics for some simulations; derived constants follow."""
        if not self._parameters:
            return
        for entry, count, fields in self._parameters:
            factors = _draw(entry, (len(ids), count), rng)
            for field in fields:
                field.scale(ids, factors)
        if self._needs_set_const:
            self._batch.set_const(ids)

    def _fields(
        self, entry: PhysicsParameterConfig, batch: Batch, robot: RobotModel, strength: Float64Array, where: str
    ) -> tuple[int, list[Field]]:
        kind = PARAMETERS[entry.parameter]
        elements = _elements(kind.of, entry, robot, where)
        self._needs_set_const |= any(field in mujoco.MjModel._setconst_inputs for field, _ in kind.fields)
        fields = []
        for name, columns in kind.fields:
            index: tuple[Indices | int, ...] = (elements, *columns) if kind.of != "world" else ()
            fields.append(Field(batch.expand(name), np.array(_model_field(robot.model, name)), index))
        if entry.parameter == "motor_constant":
            joints = np.flatnonzero(np.isin(robot.actuator, elements))
            fields.append(Field(strength, np.ones(strength.shape[1]), (joints,)))
        return (1 if kind.of == "world" else len(elements)), fields


@dataclass(frozen=True)
class ParameterKind:
    """Which model fields a parameter scales, and by what its elements are named."""

    of: str
    """body, joint (one degree of freedom each), actuator, or world (one element)."""
    fields: tuple[tuple[str, tuple[int, ...]], ...]
    """Field names, with the column within an element where only one is meant."""


PARAMETERS: dict[str, ParameterKind] = {
    # Inertia scales with mass: the same body of a denser material.
    "body_mass": ParameterKind("body", (("body_mass", ()), ("body_inertia", ()))),
    "joint_armature": ParameterKind("joint", (("dof_armature", ()),)),
    "joint_friction": ParameterKind("joint", (("dof_frictionloss", ()),)),
    "joint_damping": ParameterKind("joint", (("dof_damping", ()),)),
    "motor_resistance": ParameterKind("actuator", (("actuator_gainprm", (GAIN_RESISTANCE,)),)),
    "motor_constant": ParameterKind("actuator", (("actuator_gainprm", (GAIN_CONSTANT,)),)),
    "supply_voltage": ParameterKind("actuator", (("actuator_gainprm", (GAIN_VOLTAGE_MAX,)),)),
    "gravity": ParameterKind("world", (("opt.gravity", ()),)),
}

_Names = Callable[[RobotModel], dict[str, int]]
_NAMED: dict[str, _Names] = {
    "body": lambda robot: {robot.model.body(index).name: index for index in range(1, robot.model.nbody)},
    "joint": lambda robot: {robot.model.joint(int(robot.model.dof_jntid[dof])).name: int(dof) for dof in robot.dof},
    "actuator": lambda robot: {robot.model.actuator(int(index)).name: int(index) for index in robot.actuator},
    "world": lambda _robot: {},
}


def _elements(of: str, entry: PhysicsParameterConfig, robot: RobotModel, where: str) -> Indices:
    named = _NAMED[of](robot)
    wanted = list(named) if entry.elements is None else list(entry.elements)
    unknown = [name for name in wanted if name not in named]
    if unknown:
        raise ConfigError(
            f"randomization {where!r}: {entry.parameter}: no {of} named {unknown[0]!r}; "
            f"valid: {', '.join(named) or 'none'}"
        )
    return np.array([named[name] for name in wanted], dtype=np.intp)


def _model_field(model: mujoco.MjModel, name: str) -> Float64Array:
    owner, field = (model.opt, name.removeprefix("opt.")) if name.startswith("opt.") else (model, name)
    values: Float64Array = getattr(owner, field)
    return values


def _draw(entry: PhysicsParameterConfig, shape: tuple[int, int], rng: np.random.Generator) -> Float64Array:
    low, high = entry.range
    if entry.distribution == "log_uniform":
        return np.exp(rng.uniform(np.log(low), np.log(high), shape))
    return rng.uniform(low, high, shape)
