"""The contract as data: everything a policy and a robot must agree on, and its digest."""

import hashlib
import json
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from configs.schema.robot import RobotConfig
from configs.schema.task import ObservationTermName, TaskConfig

SCHEMA_VERSION: Literal[1] = 1

IMU_TERMS = frozenset({"gyro", "projected_gravity"})
"""Observation terms that need the robot's IMUs."""


class Part(BaseModel):
    """A frozen part of the contract; unknown fields and non-finite numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True, protected_namespaces=())


class JointSpec(Part):
    """One joint; SI units."""

    name: str
    mode: Literal["current", "position", "impedance"]
    default_position: float
    position_min: float
    position_max: float
    velocity_max: float
    effort_max: float
    stiffness: float
    damping: float


class SafetySpec(Part):
    """The safety envelope the policy was trained to live in; SI units."""

    watchdog: float
    reading_age_max: float
    communication_loss: float
    missed_ticks_max: int
    temperature_max: float
    voltage_min: float
    voltage_max: float
    position_margin: float
    velocity_margin: float


class ImuSpec(Part):
    """One IMU. How it is mounted is no part of the contract: readings are in the frame of its body."""

    name: str
    body: str
    stale_after: float
    """s; an older sample, or one that has not changed for so long, is not acted on."""


class RobotSpec(Part):
    """What the contract fixes about the robot; the runtime refuses a model in which any of it differs."""

    name: str
    joints: Annotated[tuple[JointSpec, ...], Field(min_length=1, strict=False)]
    """In the order of every joint array."""
    safety: SafetySpec
    imus: Annotated[tuple[ImuSpec, ...], Field(strict=False)] = ()
    """In the order of every IMU array."""

    @model_serializer(mode="wrap")
    def _omit_nothing_to_say(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what this robot does not have, so that its digest does not change when others have it."""
        return _without_empty(handler(self), "imus")


class ObservationTermSpec(Part):
    """One block of the observation vector: `history` ticks of `width` values, oldest first."""

    term: ObservationTermName
    width: Annotated[int, Field(ge=1)]
    scale: float
    clip: float | None
    history: Annotated[int, Field(ge=1)]

    @property
    def size(self) -> int:
        """Values the block occupies in the observation."""
        return self.width * self.history


class ActionSpec(Part):
    """How an action becomes joint targets: target = offset + scale · filtered(clip(action))."""

    target: Literal["effort", "position"]
    scale: Annotated[tuple[float, ...], Field(min_length=1, strict=False)]
    """Per joint, N·m or rad for an action of 1."""
    offset: Annotated[tuple[float, ...], Field(min_length=1, strict=False)]
    """Per joint, N·m or rad for an action of 0."""
    clip: float
    smoothing: float
    """Share of the previous filtered action that is kept each tick."""


class CommandSpec(Part):
    """One number that an operator gives the policy; SI unit."""

    name: str
    low: float
    high: float
    default: float


class GoalSpec(Part):
    """The verdict of a run; SI units."""

    joint: str
    position: float
    tolerance: float
    wrap: bool
    hold: float


class Contract(Part):
    """Everything a policy and a robot must agree on."""

    schema_version: Literal[1]
    task: str
    control_rate: float
    """Hz"""
    robot: RobotSpec
    observation: Annotated[tuple[ObservationTermSpec, ...], Field(min_length=1, strict=False)]
    action: ActionSpec
    goal: GoalSpec
    recurrent_state: Annotated[tuple[tuple[int, ...], ...], Field(strict=False)] = ()
    """Shapes of the policy's state inputs and outputs; empty for a feed-forward policy."""
    commands: Annotated[tuple[CommandSpec, ...], Field(strict=False)] = ()
    """What the observation term `command` shows, in order."""
    phase_frequency: Annotated[float, Field(gt=0.0)] | None = None
    """Hz, of the clock that the observation term `phase` shows."""

    @model_serializer(mode="wrap")
    def _omit_nothing_to_say(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what this task does not use, so that its digest does not change when others use it."""
        return _without_empty(handler(self), "commands", "phase_frequency")

    @model_validator(mode="after")
    def _check(self) -> Self:
        joints = len(self.robot.joints)
        for term in self.observation:
            width = width_of(term.term, joints, len(self.robot.imus), len(self.commands))
            if term.width != width:
                raise ValueError(f"observation term {term.term!r} has width {term.width}, this robot gives {width}")
        if self.observes("phase") and self.phase_frequency is None:
            raise ValueError("observation term 'phase' needs phase_frequency")
        if len({joint.name for joint in self.robot.joints}) != joints:
            raise ValueError("joint names repeat")
        if not len(self.action.scale) == len(self.action.offset) == joints:
            raise ValueError(f"action scale and offset must have one value for each of the {joints} joints")
        return self

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in the order of every joint array."""
        return tuple(joint.name for joint in self.robot.joints)

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

    @property
    def observed_imus(self) -> tuple[ImuSpec, ...]:
        """The IMUs that the policy depends on: all of the robot's, or none."""
        return self.robot.imus if self.observes(*IMU_TERMS) else ()

    def digest(self) -> str:
        """Return the SHA-256 of the contract's canonical JSON, as hex digits."""
        return digest_of(self)


def digest_of(part: Part) -> str:
    """Return the SHA-256 of a part's canonical JSON (sorted keys, no spaces, shortest exact floats), as hex digits."""
    canonical = json.dumps(part.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def width_of(term: ObservationTermName, joints: int, imus: int, commands: int) -> int:
    """Return how many values a term has in one tick."""
    if term in IMU_TERMS:
        return 3 * imus
    return {"command": commands, "phase": 2}.get(term, joints)


def robot_spec(robot: RobotConfig) -> RobotSpec:
    """Return what the contract fixes about a robot."""
    safety = robot.safety
    return RobotSpec(
        name=robot.name,
        joints=tuple(
            JointSpec(
                name=name,
                mode=joint.mode,
                default_position=joint.default_position,
                position_min=joint.position_limits[0],
                position_max=joint.position_limits[1],
                velocity_max=joint.velocity_limit,
                effort_max=joint.effort_limit,
                stiffness=joint.stiffness,
                damping=joint.damping,
            )
            for name, joint in robot.joints.items()
        ),
        safety=SafetySpec(
            watchdog=safety.watchdog,
            reading_age_max=safety.reading_age_max,
            communication_loss=safety.communication_loss,
            missed_ticks_max=safety.missed_ticks_max,
            temperature_max=safety.temperature_max,
            voltage_min=safety.voltage_range[0],
            voltage_max=safety.voltage_range[1],
            position_margin=safety.position_margin,
            velocity_margin=safety.velocity_margin,
        ),
        imus=tuple(ImuSpec(name=name, body=imu.body, stale_after=imu.stale_after) for name, imu in robot.imus.items()),
    )


def contract_of(task: TaskConfig) -> Contract:
    """Return the contract of a task: the one both simulation and robot are built from."""
    robot = robot_spec(task.robot)
    sizes = len(robot.joints), len(robot.imus), len(task.commands)
    return Contract(
        schema_version=SCHEMA_VERSION,
        task=task.name,
        control_rate=task.control_rate,
        robot=robot,
        observation=tuple(
            ObservationTermSpec(
                term=entry.term,
                width=width_of(entry.term, *sizes),
                scale=entry.scale,
                clip=entry.clip,
                history=entry.history,
            )
            for entry in task.observation
        ),
        action=_action_spec(task, robot),
        goal=GoalSpec(**task.goal.model_dump()),
        commands=tuple(
            CommandSpec(name=name, low=command.range[0], high=command.range[1], default=command.default)
            for name, command in task.commands.items()
        ),
        phase_frequency=task.phase_frequency,
    )


def _without_empty(data: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in names or value not in ((), [], None)}


def _action_spec(task: TaskConfig, robot: RobotSpec) -> ActionSpec:
    action: Any = task.action
    if action.target == "effort":
        scale = tuple(action.fraction * joint.effort_max for joint in robot.joints)
        offset = tuple(0.0 for _ in robot.joints)
    else:
        scale = tuple(action.scale for _ in robot.joints)
        offset = tuple(joint.default_position for joint in robot.joints)
    return ActionSpec(target=action.target, scale=scale, offset=offset, clip=1.0, smoothing=action.smoothing)
