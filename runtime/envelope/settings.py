"""Settings of safety: the limits of one run, from the robot's YAML and the policy's contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import JointConfig, RobotConfig
from sim2real.configs.schema.safety import Reaction
from sim2real.runtime.contract.robot import SafetySpec, robot_spec
from sim2real.runtime.verdict import Reason


@dataclass(frozen=True, slots=True)
class JointSettings:
    """Limits of one joint that are not part of the contract; SI units, infinite where nothing is limited."""

    acceleration_max: float = inf
    jerk_max: float = inf
    effort_continuous: float = inf
    thermal_time: float = 10.0
    stall_effort: float = inf
    tracking_error_max: float = inf
    bus: int = 0
    """Index of its bus."""
    voltage_range: tuple[float, float] | None = None
    """V, for a motor that has a supply of its own; that of the envelope when None."""


@dataclass(frozen=True, slots=True)
class SafetySettings:
    """Limits of one run; SI units, infinite where nothing is limited.

    The envelope is the robot's own, or the policy's where that is tighter.
    """

    envelope: SafetySpec
    joints: tuple[JointSettings, ...]
    """In joint order."""
    buses: tuple[str, ...] = ("main",)
    """Names, for reports."""
    damping_max: float = 2.0
    damping_recovery: float = 10.0
    missed_share_max: float = 0.1
    missed_share_window: float = 2.0
    health_age_max: float = 2.0
    tracking_time: float = 0.5
    frozen_after: float = 0.3
    temperature_derating: float = inf
    tilt_max: float = inf
    operator_timeout: float = inf
    observation_range: Literal["count", "damp", "fault"] = "count"
    on_fault: Mapping[Reason, Reaction] = field(default_factory=dict)
    """Reaction to each reason; `off` for those that are not named."""
    fault_time: float = 2.0


def safety_settings(robot: RobotConfig, trained: SafetySpec | None = None) -> SafetySettings:
    """Return the limits of a robot.

    Args:
        robot: The robot.
        trained: The envelope in the policy's contract; the tighter of every limit holds.

    Raises:
        UserError: The two envelopes have no supply voltage in common.
    """
    safety, buses = robot.safety, tuple(robot.buses)
    own = robot_spec(robot).safety
    return SafetySettings(
        envelope=own if trained is None else tighter(own, trained),
        joints=tuple(_joint(joint, robot, buses) for joint in robot.joints.values()),
        buses=buses,
        damping_max=safety.damping_max,
        damping_recovery=safety.damping_recovery,
        missed_share_max=safety.missed_share_max,
        missed_share_window=safety.missed_share_window,
        health_age_max=safety.health_age_max,
        tracking_time=safety.tracking_time,
        frozen_after=safety.frozen_after,
        temperature_derating=_or_infinite(safety.temperature_derating),
        tilt_max=_or_infinite(safety.tilt_max),
        operator_timeout=_or_infinite(safety.operator_timeout),
        observation_range=safety.observation_range,
        on_fault={Reason[name]: reaction for name, reaction in safety.on_fault.items()},
        fault_time=safety.fault_time,
    )


def tighter(own: SafetySpec, trained: SafetySpec) -> SafetySpec:
    """Return the envelope inside both; the watchdog is the robot's own, which its drivers arm.

    Raises:
        UserError: The two have no supply voltage in common.
    """
    low, high = max(own.voltage_min, trained.voltage_min), min(own.voltage_max, trained.voltage_max)
    if not low < high:
        raise UserError(
            f"the policy was trained for {trained.voltage_min:g} to {trained.voltage_max:g} V, and the robot allows "
            f"{own.voltage_min:g} to {own.voltage_max:g} V"
        )
    return SafetySpec(
        watchdog=own.watchdog,
        reading_age_max=min(own.reading_age_max, trained.reading_age_max),
        communication_loss=min(own.communication_loss, trained.communication_loss),
        missed_ticks_max=min(own.missed_ticks_max, trained.missed_ticks_max),
        temperature_max=min(own.temperature_max, trained.temperature_max),
        voltage_min=low,
        voltage_max=high,
        position_margin=min(own.position_margin, trained.position_margin),
        velocity_margin=min(own.velocity_margin, trained.velocity_margin),
    )


def envelope_notices(own: SafetySpec, trained: SafetySpec) -> tuple[str, ...]:
    """Return a line for each limit that the policy's envelope tightens."""
    both = tighter(own, trained)
    return tuple(
        f"safety.{name}: the policy was trained with {getattr(trained, name):g}, which is tighter than the robot's "
        f"{getattr(own, name):g} and holds"
        for name in SafetySpec.model_fields
        if getattr(both, name) != getattr(own, name)
    )


def _joint(joint: JointConfig, robot: RobotConfig, buses: tuple[str, ...]) -> JointSettings:
    own = joint.tracking_error_max
    return JointSettings(
        acceleration_max=_or_infinite(joint.acceleration_limit),
        jerk_max=_or_infinite(joint.jerk_limit),
        effort_continuous=_or_infinite(joint.effort_continuous),
        thermal_time=joint.thermal_time,
        stall_effort=_or_infinite(joint.stall_effort),
        tracking_error_max=_or_infinite(robot.safety.tracking_error_max if own is None else own),
        bus=buses.index(joint.bus),
        voltage_range=None if joint.supply is None else robot.safety.voltages_at(joint.supply),
    )


def _or_infinite(limit: float | None) -> float:
    return inf if limit is None else limit
