"""Safety's interventions in a run: counted by reason, the first ones in full."""

from dataclasses import dataclass
from typing import Any

from sim2real.hardware.types import Int64Array, JointCommand, MotorFault
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.runtime.limits import Intervention
from sim2real.runtime.verdict import IMU_REASONS, Reason, Violation

_EVENTS_MAX = 1000  # further events are only counted: a run that trips a limit each tick would fill the memory


_UNITS = {
    "POSITION": " rad",
    "START_POSE": " rad",
    "POSITION_TARGET": " rad",
    "POSITION_STEP": " rad",
    "VELOCITY": " rad/s",
    "VELOCITY_TARGET": " rad/s",
    "EFFORT": " N*m",
    "POSITION_GUARD": " N*m",
    "VELOCITY_GUARD": " N*m",
    "TEMPERATURE": " degC",
    "VOLTAGE": " V",
    "STALE_READING": " s",
    "COMMUNICATION_LOSS": " s",
    "IMU_STALE": " s",
    "BUS_LOSS": " s",
    "DAMPING_TOO_LONG": " s",
    "TRACKING": " rad",
    "JOINT_FROZEN": " s",
    "STALLED": " N*m",
    "TILT": " rad",
    "OPERATOR_LOST": " s",
    "SUPERVISOR_LOST": " s",
}
"""Units of value and limit; the rest are counts, gains and bits."""


@dataclass(frozen=True, slots=True)
class SafetyEvent:
    """One intervention: time, limit, joint, value, and value of the limit."""

    time_ns: int
    reason: str
    joint: str
    """Name of the joint, or of the IMU, bus or observation term that the reason is about; empty for the whole robot."""
    value: float
    limit: float

    def __str__(self) -> str:
        what = self.reason.lower().replace("_", " ")
        where = f" of joint {self.joint}" if self.joint else ""
        unit = _UNITS.get(self.reason, "")
        if self.reason == "BUS_LOSS":
            return f"bus {self.joint} silent: {self.value:.4g}{unit}, limit {self.limit:.4g}{unit}"
        if self.reason == "OBSERVATION_RANGE":
            return (
                f"observation {self.joint} outside the range seen in training: {self.value:.4g}, limit {self.limit:.4g}"
            )
        if self.reason == "TILT":
            return f"tilt of IMU {self.joint}: {self.value:.4g}{unit}, limit {self.limit:.4g}{unit}"
        if self.reason.startswith("IMU_"):
            return f"IMU {self.joint} {self.reason.removeprefix('IMU_').lower()}" + (
                f": {self.value:.4g}{unit}, limit {self.limit:.4g}{unit}" if unit else ""
            )
        if self.reason in ("PORT_LOST", "INTERNAL_ERROR"):
            return what
        if self.reason == "MOTOR_FAULT":
            return f"{what}{where}: {MotorFault(int(self.value)).name or int(self.value)}"
        if self.reason == "START_POSE":
            return f"{what}{where} not reached in time: it is at {self.value:.4g}{unit}, not {self.limit:.4g}{unit}"
        return f"{what}{where}: {self.value:.4g}{unit}, limit {self.limit:.4g}{unit}"

    def document(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "time_ns": self.time_ns,
            "reason": self.reason,
            "joint": self.joint,
            "value": self.value,
            "limit": self.limit,
        }


class InterventionLog:
    """Counters by reason and a bounded list of events.

    Args:
        robot: Names of joints and IMUs.
        buses: Names of the robot's buses.
        terms: Names of the policy's observation terms.
    """

    def __init__(self, robot: RobotSpec, buses: tuple[str, ...] = (), terms: tuple[str, ...] = ()) -> None:
        self._joints = tuple(joint.name for joint in robot.joints)
        self._imus = tuple(imu.name for imu in robot.imus)
        self._buses, self._terms = buses, terms
        self.counts: dict[str, int] = {}
        self.events: list[SafetyEvent] = []
        self.outside: dict[str, int] = {}
        """Ticks in which each observation term was outside the range seen in training, and the policy acted on it."""

    @property
    def total(self) -> int:
        """Number of interventions, all reasons together."""
        return sum(self.counts.values())

    def add_violations(self, time_ns: int, violations: tuple[Violation, ...]) -> None:
        """Add the reasons why a tick was not allowed."""
        for violation in violations:
            self._add(self.event_of(time_ns, violation))

    def count_outside(self, violations: tuple[Violation, ...]) -> None:
        """Count observations outside the range seen in training where nothing else follows: no intervention."""
        for violation in violations:
            term = self._part_of(violation)
            self.outside[term] = self.outside.get(term, 0) + 1

    def event_of(self, time_ns: int, violation: Violation) -> SafetyEvent:
        """Return a violation with its names, without counting it."""
        part = self._part_of(violation)
        return SafetyEvent(time_ns, _name(violation.reason), part, violation.value, violation.limit)

    def add_limits(self, time_ns: int, bits: Int64Array, requested: JointCommand, sent: JointCommand) -> None:
        """Add the limits that changed a command, given by bits of `Intervention` for each joint, (J,)."""
        for index, value in enumerate(bits.tolist()):
            for limit in Intervention(value):
                wanted, allowed = _values(limit, index, requested, sent)
                self._add(SafetyEvent(time_ns, _name(limit), self._joints[index], wanted, allowed))

    def _part_of(self, violation: Violation) -> str:
        """Return the name of the part that a violation is about; empty when it is about the whole robot."""
        if violation.joint < 0:
            return ""
        if violation.reason is Reason.BUS_LOSS:
            return self._buses[violation.joint]
        if violation.reason is Reason.OBSERVATION_RANGE:
            return self._terms[violation.joint]
        return (self._imus if violation.reason in IMU_REASONS else self._joints)[violation.joint]

    def _add(self, event: SafetyEvent) -> None:
        self.counts[event.reason] = self.counts.get(event.reason, 0) + 1
        if len(self.events) < _EVENTS_MAX:
            self.events.append(event)


def _name(flag: Reason | Intervention) -> str:
    return flag.name or str(int(flag))


def _values(limit: Intervention, joint: int, requested: JointCommand, sent: JointCommand) -> tuple[float, float]:
    if limit in Intervention.POSITION_TARGET | Intervention.POSITION_STEP:
        return float(requested.position[joint]), float(sent.position[joint])
    if limit is Intervention.VELOCITY_TARGET:
        return float(requested.velocity[joint]), float(sent.velocity[joint])
    if limit is Intervention.GAIN:
        return float(requested.stiffness[joint]), float(sent.stiffness[joint])
    return float(requested.effort[joint]), float(sent.effort[joint])
