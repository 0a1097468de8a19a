"""The parameters of running episodes: drawn through a curriculum, applied to model fields, recorded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from mujoco.batch import Batch

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.curriculum import CurriculumConfig
from sim2real.configs.schema.parameter import ParameterConfig
from sim2real.configs.schema.parameter_catalogue import Application
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.curriculum.interface import Curriculum
from sim2real.curriculum.make import make_curriculum
from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.model.model import RobotModel
from sim2real.randomization.elements import element_names, elements_of, field_index, model_field
from sim2real.randomization.individual_parts import IndividualParts
from sim2real.randomization.parameter import DRY_FRICTION, STRENGTH, FieldEffect, find_parameter
from sim2real.randomization.random_streams import RandomStreams
from sim2real.randomization.report_order import ReportOrder


@dataclass(frozen=True)
class _Field:
    """One per-simulation model field that parameters change."""

    values: Float64Array
    """The batch's live values, (n, …)."""
    calibrated: Float64Array
    """The model's own values, (…)."""


@dataclass(frozen=True)
class _Effect:
    """One parameter's hold on one field."""

    field: _Field
    columns: slice
    """Of the drawn values."""
    elements: Indices | None
    """Which elements of the field, (E,); None: the field has none."""
    column: int | None
    width: int
    apply: Application
    transform: Callable[[Float64Array], Float64Array] | None

    def put(self, ids: Indices, values: Float64Array) -> None:
        """Apply the drawn values, (k, C), of some simulations."""
        own = values[:, self.columns].reshape(len(ids), -1, self.width)
        if self.transform is not None:
            own = self.transform(own)
        where: tuple[Any, ...] = (ids,) if self.elements is None else (ids[:, None], self.elements[None, :])
        if self.column is not None:
            where += (self.column,)
        present = self.field.values[where]
        if self.elements is None:
            own = own[:, 0]
        elif present.ndim == 2:
            own = own[:, :, 0]
        if self.apply == "scale":
            own = present * own
        elif self.apply == "add":
            own = present + own
        self.field.values[where] = own


@dataclass(frozen=True)
class _Copy:
    """One parameter's hold on values that a part of the simulation reads by itself."""

    array: Float64Array
    places: Indices
    columns: slice
    besides: bool
    """Whether it applies to the parameter's other value."""
    apply: Application
    own: Float64Array
    """What it applies to otherwise: the robot's own values of these elements, (E,)."""
    limits: tuple[float, float]
    """Lowest and highest value that may come of it."""

    def put(self, ids: Indices, values: Float64Array) -> None:
        """Apply the drawn values of some simulations."""
        where = (ids[:, None], self.places)
        drawn = values[:, self.columns]
        before = self.array[where] if self.besides else self.own
        if self.apply == "scale":
            drawn = before * drawn
        elif self.apply == "add":
            drawn = before + drawn
        low, high = self.limits
        self.array[where] = np.minimum(np.maximum(drawn, low), high)


class EpisodeParameters:
    """What differs between the running episodes of n simulations.

    Args:
        batch: The simulations; the fields that parameters change are expanded.
        robot: Where the joints are.
        config: The parameters.
        curriculum: How they are drawn.

    Raises:
        ConfigError: A parameter names an element, or changes a field, that the model does not have.
    """

    def __init__(
        self, batch: Batch, robot: RobotModel, config: RandomizationConfig, curriculum: CurriculumConfig
    ) -> None:
        n = batch.nsim
        self._batch, self._robot = batch, robot
        self.strength: Float64Array = np.ones((n, len(robot.actuator)))
        """Factor on the commanded effort of every motor, (n, J)."""
        self.dry_friction: Float64Array = np.tile(robot.model.dof_frictionloss, (n, 1))
        """Dry friction of all degrees of freedom as drawn, (n, nv), where the model's follows velocity and load."""
        self._friction_varies = robot.friction_varies
        elements = [elements_of(entry, robot, config.name) for entry in config.parameters]
        widths = [
            (1 if entry.shared else len(own)) * find_parameter(entry.parameter).width
            for entry, own in zip(config.parameters, elements, strict=True)
        ]
        self.space = ParameterSpace.of(config.parameters, widths)
        self.individual = IndividualParts(
            n,
            self.space,
            [len(own) * find_parameter(e.parameter).width for e, own in zip(config.parameters, elements, strict=True)],
        )
        self.curriculum: Curriculum = make_curriculum(curriculum, self.space)
        self.values: Float64Array = np.zeros((n, sum(widths)))
        """What was drawn for the running episodes, (n, C), SI, by the columns of `space`."""
        self.tags = np.full(n, -1, np.int64)
        ordered = self.curriculum.ordered and bool(self.space.names)
        self._order = ReportOrder(n, sum(widths)) if ordered else None
        self._fields: dict[str, _Field] = {}
        self._effects: list[_Effect] = []
        self._arrays: dict[str, Float64Array] = {}
        self._copies: list[_Copy] = []
        for index, (entry, own) in enumerate(zip(config.parameters, elements, strict=True)):
            self._bind(entry, own, self.space.columns(index))
        for index, columns in self.individual.columns.items():
            self._bind(config.parameters[index], elements[index], columns, besides=True)
        # What two parameters make of one field does not depend on which is listed first.
        self._effects.sort(key=lambda effect: ("set", "scale", "add").index(effect.apply))
        # MuJoCo's own list, which its Batch keeps to; there is no public one.
        inputs = mujoco.MjModel._setconst_inputs  # noqa: SLF001
        self._needs_set_const = any(name in inputs for name in self._fields)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all that is drawn: those of the space, then those of what elements differ by."""
        return (*self.space.names, *self.individual.names)

    @property
    def field_names(self) -> list[str]:
        """Names of the model fields that differ between simulations because of the parameters."""
        return sorted(name for name in self._fields if name != STRENGTH)

    def array(self, name: str) -> Float64Array | None:
        """Return the live values of a parameter that a part of the simulation reads by itself, or None.

        Returns:
            (n, E): one column for each joint, body or supply, or one for the robot; neutral where nothing is drawn.

        Raises:
            ConfigError: No such parameter is declared.
        """
        return self._arrays.get(find_parameter(name).name)

    def draw(self, ids: Indices, streams: RandomStreams) -> None:
        """Draw the parameters of new episodes; derived constants follow."""
        if not len(self.space.names):
            return
        if self._order is not None:
            self.curriculum.report(*self._order.abandon(ids))
        uniforms = self.curriculum.uniforms
        uniform = streams.uniform(ids, uniforms + self.individual.uniforms(randomised=uniforms > 0))
        values, tags = self.curriculum.draw(uniform[:, :uniforms])
        if self._order is not None:
            self._order.begin(ids, tags)
        self.put(ids, np.hstack((values, self.individual.draw(uniform[:, uniforms:]))), tags)

    def put(self, ids: Indices, values: Float64Array, tags: np.ndarray) -> None:
        """Give some simulations these values, (k, C + X): drawn now, or recorded before. X: `individual`."""
        count = self.values.shape[1]
        self.values[ids], self.individual.values[ids], self.tags[ids] = values[:, :count], values[:, count:], tags
        for copy in self._copies:
            copy.put(ids, values)
        for field in self._fields.values():
            field.values[ids] = field.calibrated
        for effect in self._effects:
            effect.put(ids, values)
        if self._needs_set_const:
            self._batch.set_const(ids)

    def record(self, index: int) -> dict[str, list[float]]:
        """Return what was drawn for one running episode, SI, by `names`."""
        return {
            name: self.values[index, self.space.columns(dimension)].tolist()
            for dimension, name in enumerate(self.space.names)
        } | self.individual.record(index)

    def report(self, ids: Indices, performance: Float64Array) -> None:
        """Tell the curriculum how the episodes of some simulations went, (k,), before new ones are drawn."""
        if self._order is not None:
            self.curriculum.report(*self._order.end(ids, self.values[ids], performance))
        elif len(self.space.names):
            self.curriculum.report(self.tags[ids], self.values[ids], performance)

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides what follows."""
        return (
            {
                "values": self.values.copy(),
                "tags": self.tags.copy(),
                "curriculum": self.curriculum.state_dict(),
            }
            | ({"individual": self.individual.values.copy()} if self.individual.names else {})
            | ({"order": self._order.state_dict()} if self._order is not None else {})
        )

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.curriculum.load_state_dict(state["curriculum"])
        if self._order is not None:
            self._load_order(state)
        values = np.hstack((np.asarray(state["values"]), state.get("individual", self.individual.values)))
        self.put(np.arange(len(self.values)), values, np.asarray(state["tags"]))

    def _load_order(self, state: dict[str, Any]) -> None:
        """Continue the order of reports; a state of an older version has none, and its running episodes begin one."""
        order = self._order = ReportOrder(len(self.values), self.values.shape[1])
        if "order" in state:
            order.load_state_dict(state["order"])
        else:
            order.begin(np.arange(len(self.values)), np.asarray(state["tags"]))

    def _bind(self, entry: ParameterConfig, elements: Indices, columns: slice, *, besides: bool = False) -> None:
        """Bind columns of drawn values to what they change; `besides` another value of the same parameter."""
        kind = find_parameter(entry.parameter)
        if not kind.effects:
            array = self._arrays.get(entry.parameter)
            if array is None:
                array = np.full((len(self.values), len(element_names(kind.of, self._robot))), kind.neutral)
                self._arrays[entry.parameter] = array
            places = np.searchsorted(sorted(element_names(kind.of, self._robot).values()), elements)
            own = np.zeros(len(places)) if kind.own is None else kind.own(self._robot)[places]
            self._copies.append(_Copy(array, places, columns, besides, entry.application, own, kind.limits))
            return
        for effect in kind.effects:
            field = self._field(entry.parameter, effect)
            indices = None if kind.of == "world" else field_index(effect.field, kind.of, elements, self._robot)
            apply = effect.apply or entry.application
            self._effects.append(_Effect(field, columns, indices, effect.column, kind.width, apply, effect.transform))

    def _field(self, parameter: str, effect: FieldEffect) -> _Field:
        if effect.field not in self._fields:
            if effect.field == STRENGTH:
                field = _Field(self.strength, np.ones(self.strength.shape[1]))
            elif effect.field == DRY_FRICTION and self._friction_varies:
                field = _Field(self.dry_friction, self.dry_friction[0].copy())
            else:
                try:
                    expanded = self._batch.expand(effect.field)
                except ValueError as error:
                    raise ConfigError(f"parameter {parameter!r}: {error}") from error
                field = _Field(expanded, np.array(model_field(self._robot, effect.field)))
            self._fields[effect.field] = field
        return self._fields[effect.field]
