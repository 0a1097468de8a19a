"""Everything safety had to do in a run: counted by reason, with the first events in full."""

from dataclasses import dataclass
from typing import Any

from hardware.types import Int64Array, JointCommand, MotorFault
from runtime.contract.spec import RobotSpec
from runtime.limits import Intervention
from runtime.safety import Reason, Violation

_EVENTS_MAX = 1000  # the counters go on; a run that trips a limit each tick would otherwise fill the memory


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
}
"""Units of value and limit; the rest are counts, gains and bits."""


@dataclass(frozen=True, slots=True)
class SafetyEvent:
    """One intervention: when, which limit, which joint, what the value was and what the limit."""

    time_ns: int
    reason: str
    joint: str
    """Empty when it is not about a joint."""
    value: float
    limit: float

    def __str__(self) -> str:
        what = self.reason.lower().replace("_", " ")
        where = f" of joint {self.joint}" if self.joint else ""
        unit = _UNITS.get(self.reason, "")
        if self.reason == "PORT_LOST":
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
    """Counters by reason and a bounded list of events."""

    def __init__(self, robot: RobotSpec) -> None:
        self._joints = robot.joints
        self.counts: dict[str, int] = {}
        self.events: list[SafetyEvent] = []

    @property
    def total(self) -> int:
        """How often safety intervened, all reasons together."""
        return sum(self.counts.values())

    def judged(self, time_ns: int, violations: tuple[Violation, ...]) -> None:
        """Note why a tick was not allowed."""
        for violation in violations:
            joint = self._joints[violation.joint].name if violation.joint >= 0 else ""
            self._add(SafetyEvent(time_ns, _name(violation.reason), joint, violation.value, violation.limit))

    def limited(self, time_ns: int, bits: Int64Array, asked: JointCommand, given: JointCommand) -> None:
        """Note what of a command had to change; `asked` and `given` are the command before and after."""
        for index, value in enumerate(bits.tolist()):
            for limit in Intervention(value):
                wanted, allowed = _values(limit, index, asked, given)
                self._add(SafetyEvent(time_ns, _name(limit), self._joints[index].name, wanted, allowed))

    def _add(self, event: SafetyEvent) -> None:
        self.counts[event.reason] = self.counts.get(event.reason, 0) + 1
        if len(self.events) < _EVENTS_MAX:
            self.events.append(event)


def _name(flag: Reason | Intervention) -> str:
    return flag.name or str(int(flag))


def _values(limit: Intervention, joint: int, asked: JointCommand, given: JointCommand) -> tuple[float, float]:
    if limit in Intervention.POSITION_TARGET | Intervention.POSITION_STEP:
        return float(asked.position[joint]), float(given.position[joint])
    if limit is Intervention.VELOCITY_TARGET:
        return float(asked.velocity[joint]), float(given.velocity[joint])
    if limit is Intervention.GAIN:
        return float(asked.stiffness[joint]), float(given.stiffness[joint])
    return float(asked.effort[joint]), float(given.effort[joint])
