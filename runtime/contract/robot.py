"""The robot in the contract, as data."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from sim2real.configs.schema.robot import RobotConfig, TipConfig
from sim2real.runtime.contract.part import Part, without_empty

Vector = Annotated[tuple[float, float, float], Field(strict=False)]


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
    """One IMU. Its mounting is not part of the contract: readings are in the frame of its body."""

    name: str
    body: str
    stale_after: float
    """s; an older sample, or one that has not changed for so long, is not acted on."""


class LinkSpec(Part):
    """Pose of a joint at position zero, in the frame of the joint before it."""

    joint: str
    position: Vector
    """m"""
    axis: Vector
    """Unit vector."""
    rotation: Annotated[tuple[float, float, float, float], Field(strict=False)]
    """Unit quaternion w x y z, of this frame in the one before."""


class TipSpec(Part):
    """Kinematics of the tip, from the base through some of the joints, in order."""

    links: Annotated[tuple[LinkSpec, ...], Field(min_length=1, strict=False)]
    position: Vector
    """The tip in the frame of the last joint, m."""


class RobotSpec(Part):
    """The robot that a policy was made for; the runtime refuses a model if any of it differs."""

    name: str
    joints: Annotated[tuple[JointSpec, ...], Field(min_length=1, strict=False)]
    """In the order of every joint array."""
    safety: SafetySpec
    imus: Annotated[tuple[ImuSpec, ...], Field(strict=False)] = ()
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
    """Return a robot as the contract has it."""
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
        tip=_tip_spec(robot.tip) if robot.tip else None,
    )


def _tip_spec(tip: TipConfig) -> TipSpec:
    links = tuple(
        LinkSpec(joint=link.joint, position=link.position, axis=link.axis, rotation=link.rotation) for link in tip.links
    )
    return TipSpec(links=links, position=tip.position)
