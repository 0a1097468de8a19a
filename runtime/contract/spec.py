"""The contract as data: everything a policy and a robot must agree on, and its digest."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer, model_validator

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.command import TIP_COMMANDS
from sim2real.configs.schema.observation import OBSERVATION_TERMS, ObservationNeed
from sim2real.configs.schema.task import TaskConfig
from sim2real.runtime.contract.goal_spec import GoalSpec, goal_spec
from sim2real.runtime.contract.observation_term import find_term, width_of
from sim2real.runtime.contract.part import COUNT_MAX, Name, Part, Value, digest_of, first_problem, without_empty
from sim2real.runtime.contract.provider import ProviderSpec, check_provider, provider_of
from sim2real.runtime.contract.robot import ImuSpec, RobotSpec, robot_spec
from sim2real.runtime.contract.signals import Sizes

SCHEMA_VERSION: Literal[1] = 1

_WIDTH_MAX: Final = 10_000
_HISTORY_MAX: Final = 64  # as in a task's YAML
_OBSERVATION_MAX: Final = 100_000  # values; a policy of that width does not run at any rate
_Size = Annotated[int, Field(ge=1, le=1_000_000)]
_Values = Annotated[tuple[Value, ...], Field(max_length=_WIDTH_MAX, strict=False)]
_OfJoints = Annotated[tuple[Value, ...], Field(min_length=1, max_length=COUNT_MAX, strict=False)]


class ObservationTermSpec(Part):
    """One block of the observation vector: `history` ticks of `width` values, oldest first."""

    term: Name
    width: Annotated[int, Field(ge=1, le=_WIDTH_MAX)]
    scale: Value
    clip: Annotated[float, Field(gt=0.0, le=1e9)] | None
    history: Annotated[int, Field(ge=1, le=_HISTORY_MAX)]
    provider: ProviderSpec | None = None
    """The package that computes it; none for a term of this project."""
    low: _Values = ()
    """Lowest of each of the `width` values seen in training, after scale and clip; none where that is unknown."""
    high: _Values = ()
    """Highest of each."""

    @model_serializer(mode="wrap")
    def _omit_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what earlier contracts did not have, so that their digests do not change."""
        return without_empty(handler(self), "provider", "low", "high")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.low) != len(self.high) or len(self.low) not in (0, self.width):
            raise ValueError(f"low and high must have one value for each of the {self.width} of the term, or none")
        if not all(low <= high for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError("low must not exceed high")
        return self

    @property
    def size(self) -> int:
        """Values the block occupies in the observation."""
        return self.width * self.history


class ActionSpec(Part):
    """How an action becomes joint targets: target = offset + scale · filtered(clip(action)).

    A relative one moves the last target instead: target = last target + scale · filtered(clip(action)), beginning at
    the default position. Where there is a `step`, a target goes no farther than that in a tick.
    """

    target: Literal["effort", "position"]
    scale: _OfJoints
    """Per joint, N·m or rad for an action of 1."""
    offset: _OfJoints
    """Per joint, N·m or rad for an action of 0."""
    clip: Annotated[float, Field(gt=0.0, le=1e6)]
    smoothing: Annotated[float, Field(ge=0.0, lt=1.0)]
    """Share of the previous filtered action that is kept each tick."""
    relative: bool = False
    step: Annotated[tuple[Annotated[float, Field(gt=0.0, le=1e4)], ...], Field(max_length=COUNT_MAX, strict=False)] = ()
    """Per joint, rad: how far a position target may go in a tick; none where nothing bounds it."""

    @model_serializer(mode="wrap")
    def _omit_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what this action does not use, so that its digest does not depend on later fields."""
        return without_empty(handler(self), "relative", "step")


class CommandSpec(Part):
    """One operator command to the policy; SI unit."""

    name: Name
    low: Value
    high: Value
    default: Value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.low <= self.default <= self.high:
            raise ValueError("default must be between low and high")
        return self


class Contract(Part):
    """Everything a policy and a robot must agree on."""

    schema_version: Literal[1]
    task: Name
    control_rate: Annotated[float, Field(ge=1.0, le=10_000.0)]
    """Hz"""
    robot: RobotSpec
    observation: Annotated[tuple[ObservationTermSpec, ...], Field(min_length=1, max_length=COUNT_MAX, strict=False)]
    action: ActionSpec
    goal: GoalSpec
    recurrent_state: Annotated[
        tuple[Annotated[tuple[_Size, ...], Field(max_length=8)], ...], Field(max_length=COUNT_MAX, strict=False)
    ] = ()
    """Shapes of the policy's state inputs and outputs; empty for a feed-forward policy."""
    commands: Annotated[tuple[CommandSpec, ...], Field(max_length=COUNT_MAX, strict=False)] = ()
    """What the observation term `command` shows, in order."""
    phase_frequency: Annotated[float, Field(gt=0.0, le=1e4)] | None = None
    """Hz, of the clock that the observation term `phase` shows."""

    @model_serializer(mode="wrap")
    def _omit_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what this task does not use, so that its digest does not depend on later fields."""
        return without_empty(handler(self), "commands", "phase_frequency")

    @model_validator(mode="after")
    def _check(self) -> Self:
        joints = len(self.robot.joints)
        for term in self.observation:
            check_provider(term.term, term.provider)
            width = width_of(term.term, self.sizes)
            if term.width != width:
                raise ValueError(f"observation term {term.term!r} has width {term.width}, this robot gives {width}")
        if not self.observation_size <= _OBSERVATION_MAX:
            raise ValueError(f"the observation has {self.observation_size} values; valid: up to {_OBSERVATION_MAX}")
        if self.needs("phase") and self.phase_frequency is None:
            raise ValueError("an observation term needs phase_frequency")
        if not len(self.action.scale) == len(self.action.offset) == joints:
            raise ValueError(f"action scale and offset must have one value for each of the {joints} joints")
        if self.action.target != "position" and (self.action.relative or self.action.step):
            raise ValueError("only position targets can be relative or have a step")
        if self.action.step and len(self.action.step) != joints:
            raise ValueError(f"action step must have one value for each of the {joints} joints, or none")
        self._check_tip()
        self._check_goal()
        return self

    def _check_tip(self) -> None:
        targets = self.needs("tip_commands") or self.goal.kind == "tip"
        if self.robot.tip is None and (targets or self.needs("tip")):
            raise ValueError("an observation term or the goal needs a tip, and the robot has none")
        if targets and not self.tip_columns:
            raise ValueError(f"an observation term or the goal needs the commands {', '.join(TIP_COMMANDS)}")

    def _check_goal(self) -> None:
        if self.goal.kind == "joint" and self.goal.joint not in self.joint_names:
            raise ValueError(f"goal: no joint {self.goal.joint!r}; valid: {', '.join(self.joint_names)}")
        if self.goal.kind == "upright" and not self.robot.imus:
            raise ValueError("goal: 'upright' needs an IMU, and the robot has none")

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in the order of every joint array."""
        return tuple(joint.name for joint in self.robot.joints)

    @property
    def sizes(self) -> Sizes:
        """Number of joints, IMUs and operator commands."""
        return Sizes(len(self.robot.joints), len(self.robot.imus), len(self.commands))

    @property
    def observation_size(self) -> int:
        """Length of the observation vector."""
        return sum(term.size for term in self.observation)

    @property
    def action_size(self) -> int:
        """Length of the action vector."""
        return len(self.action.scale)

    def observes(self, *terms: str) -> bool:
        """Tell whether any of these terms is part of the observation."""
        return any(entry.term in terms for entry in self.observation)

    def needs(self, need: ObservationNeed) -> bool:
        """Tell whether any term of the observation needs this."""
        return any(need in find_term(entry.term).needs for entry in self.observation)

    @property
    def observed_imus(self) -> tuple[ImuSpec, ...]:
        """The IMUs that the policy depends on: all of the robot's, or none."""
        return self.robot.imus if self.needs("imu") else ()

    @property
    def tip_columns(self) -> tuple[int, ...]:
        """Columns of the operator commands of the tip's position, x y z; empty if there are none."""
        names = [command.name for command in self.commands]
        return tuple(names.index(name) for name in TIP_COMMANDS) if set(TIP_COMMANDS) <= set(names) else ()

    def digest(self) -> str:
        """Return the SHA-256 of the contract's canonical JSON, as hex digits."""
        return digest_of(self)


def contract_of(task: TaskConfig) -> Contract:
    """Return the contract of a task: the one both simulation and robot are built from.

    Raises:
        ConfigError: A number is beyond the bounds of a contract.
    """
    try:
        return _contract_of(task)
    except ValidationError as error:
        raise ConfigError(f"task {task.name!r}: {first_problem(error)}") from error


def _contract_of(task: TaskConfig) -> Contract:
    robot = robot_spec(task.robot)
    sizes = Sizes(len(robot.joints), len(robot.imus), len(task.commands))
    return Contract(
        schema_version=SCHEMA_VERSION,
        task=task.name,
        control_rate=task.control_rate,
        robot=robot,
        observation=tuple(
            ObservationTermSpec(
                term=entry.term,
                width=_width(entry.term, sizes),
                scale=entry.scale,
                clip=entry.clip,
                history=entry.history,
                provider=provider_of(entry.term),
            )
            for entry in task.observation
        ),
        action=_action_spec(task, robot),
        goal=goal_spec(task.goal),
        commands=tuple(
            CommandSpec(name=name, low=command.range[0], high=command.range[1], default=command.default)
            for name, command in task.commands.items()
        ),
        phase_frequency=task.phase_frequency,
    )


def _width(term: str, sizes: Sizes) -> int:
    """Return the width of a task's term. Raises PluginError if there is nothing of it on this robot."""
    width = width_of(term, sizes)
    if width < 1:
        raise OBSERVATION_TERMS.wrong(term, "has no values on this robot")
    return width


def _action_spec(task: TaskConfig, robot: RobotSpec) -> ActionSpec:
    action, joints = task.action, robot.joints
    if action.target == "effort":
        scale = tuple(action.fraction * joint.effort_max for joint in joints)
        offset = tuple(0.0 for _ in joints)
        return ActionSpec(target="effort", scale=scale, offset=offset, clip=1.0, smoothing=action.smoothing)
    return ActionSpec(
        target="position",
        scale=tuple(action.scales.get(joint.name, action.scale) for joint in joints),
        offset=tuple(joint.default_position for joint in joints),
        clip=1.0,
        smoothing=action.smoothing,
        relative=action.relative,
        # The very product that `sim2real.runtime.limits` bounds targets by: safety then has nothing left to cut off.
        step=tuple(joint.velocity_max * (1.0 / task.control_rate) for joint in joints),
    )
