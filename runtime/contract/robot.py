"""The robot in the contract, as data."""

from math import hypot
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer, model_validator

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.robot import JointConfig, RobotConfig, TipConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.runtime.contract.part import (
    COUNT_MAX,
    Angle,
    Effort,
    Gain,
    Name,
    Part,
    Seconds,
    Speed,
    Unit,
    Vector,
    first_problem,
    without_empty,
)

_LENGTH_ERROR: Final = 1e-6  # of vectors and quaternions of length 1, as in the robot's YAML


class JointSpec(Part):
    """One joint; SI units."""

    name: Name
    mode: Literal["current", "position", "impedance"]
    default_position: Angle
    position_min: Angle
    position_max: Angle
    velocity_max: Speed
    effort_max: Effort
    stiffness: Gain
    damping: Gain

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.position_min < self.position_max:
            raise ValueError("position_min must be below position_max")
        if not self.position_min <= self.default_position <= self.position_max:
            raise ValueError("default_position must be between position_min and position_max")
        return self


class SafetySpec(Part):
    """The safety envelope the policy was trained to live in; SI units."""

    watchdog: Seconds
    reading_age_max: Seconds
    communication_loss: Seconds
    missed_ticks_max: Annotated[int, Field(ge=1, le=10_000)]
    temperature_max: Annotated[float, Field(ge=-273.15, le=1e3)]
    voltage_min: Annotated[float, Field(ge=-1e4, le=1e4)]
    voltage_max: Annotated[float, Field(ge=-1e4, le=1e4)]
    position_margin: Annotated[float, Field(ge=0.0, le=1e4)]
    velocity_margin: Annotated[float, Field(ge=0.0, le=1e4)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.reading_age_max <= self.communication_loss:
            raise ValueError("reading_age_max must not exceed communication_loss")
        if not self.voltage_min < self.voltage_max:
            raise ValueError("voltage_min must be below voltage_max")
        return self


class ImuSpec(Part):
    """One IMU. Its mounting is not part of the contract: readings are in the frame of its body."""

    name: Name
    body: Name
    stale_after: Seconds
    """s; an older sample, or one that has not changed for so long, is not acted on."""


class LinkSpec(Part):
    """Pose of a joint at position zero, in the frame of the joint before it."""

    joint: Name
    position: Vector
    """m"""
    axis: Annotated[tuple[Unit, Unit, Unit], Field(strict=False)]
    """Unit vector."""
    rotation: Annotated[tuple[Unit, Unit, Unit, Unit], Field(strict=False)]
    """Unit quaternion w x y z, of this frame in the one before."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for key, length in (("axis", hypot(*self.axis)), ("rotation", hypot(*self.rotation))):
            if not abs(length - 1.0) <= _LENGTH_ERROR:
                raise ValueError(f"{key} must have length 1, not {length:.6g}")
        return self


class TipSpec(Part):
    """Kinematics of the tip, from the base through some of the joints, in order."""

    links: Annotated[tuple[LinkSpec, ...], Field(min_length=1, max_length=COUNT_MAX, strict=False)]
    position: Vector
    """The tip in the frame of the last joint, m."""


class RobotSpec(Part):
    """The robot that a policy was made for; the runtime refuses a model if any of it differs."""

    name: Name
    joints: Annotated[tuple[JointSpec, ...], Field(min_length=1, max_length=COUNT_MAX, strict=False)]
    """In the order of every joint array."""
    safety: SafetySpec
    imus: Annotated[tuple[ImuSpec, ...], Field(max_length=COUNT_MAX, strict=False)] = ()
    """In the order of every IMU array."""
    tip: TipSpec | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [joint.name for joint in self.joints]
        if len(set(names)) != len(names):
            raise ValueError("joint names repeat")
        for link in self.tip.links if self.tip else ():
            if link.joint not in names:
                raise ValueError(f"tip: no joint {link.joint!r}; valid: {', '.join(names)}")
        return self

    @model_serializer(mode="wrap")
    def _omit_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what this robot does not have, so that its digest does not change when others have it."""
        return without_empty(handler(self), "imus", "tip")


def robot_spec(robot: RobotConfig) -> RobotSpec:
    """Return a robot as the contract has it.

    Raises:
        ConfigError: A number is beyond the bounds of a contract.
    """
    part = "safety"
    try:
        safety = _safety_spec(robot.safety)
        joints = []
        for name, joint in robot.joints.items():
            part = f"joint {name!r}"
            joints.append(_joint_spec(name, joint))
        part = "IMUs and tip"
        return RobotSpec(
            name=robot.name,
            joints=tuple(joints),
            safety=safety,
            imus=tuple(
                ImuSpec(name=name, body=imu.body, stale_after=imu.stale_after) for name, imu in robot.imus.items()
            ),
            tip=_tip_spec(robot.tip) if robot.tip else None,
        )
    except ValidationError as error:
        raise ConfigError(f"robot {robot.name!r}, {part}: {first_problem(error)}") from error


def _joint_spec(name: str, joint: JointConfig) -> JointSpec:
    return JointSpec(
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


def _safety_spec(safety: SafetyConfig) -> SafetySpec:
    return SafetySpec(
        watchdog=safety.watchdog,
        reading_age_max=safety.reading_age_max,
        communication_loss=safety.communication_loss,
        missed_ticks_max=safety.missed_ticks_max,
        temperature_max=safety.temperature_max,
        voltage_min=safety.voltage_range[0],
        voltage_max=safety.voltage_range[1],
        position_margin=safety.position_margin,
        velocity_margin=safety.velocity_margin,
    )


def _tip_spec(tip: TipConfig) -> TipSpec:
    links = tuple(
        LinkSpec(joint=link.joint, position=link.position, axis=link.axis, rotation=link.rotation) for link in tip.links
    )
    return TipSpec(links=links, position=tip.position)
