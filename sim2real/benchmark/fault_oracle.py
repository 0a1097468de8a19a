"""Measures at the motors whether a robot was kept safe. It shares no code with the runtime that it judges.

Every rule here is written anew from the robot's YAML: limits of joints, steps of goals, torque. Times are integer
nanoseconds, angles those of the joints.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf, tau
from typing import Protocol

from sim2real.configs.schema.robot import JointConfig, RobotConfig
from sim2real.hardware.clock import NS_PER_S
from sim2real.hardware.firmware.motor import MotorGoal, Shaft

ENABLE_JUMP_MAX = 0.05
"""Largest distance between a joint and its goal when torque comes on, rad: ten counts of the coarsest encoder here, and
what a joint moves at a few rad/s between a reading and the write."""

ON_ITS_WAY_NS = 1_000_000
"""How long after the request to stop a frame may still switch torque on: it was already on the wire."""

_GAIN_TOLERANCE, _GAIN_STEP = 0.03, 0.2
"""Share, and N·m/rad or N·m·s/rad, by which a gain may be above the joint's: registers are integers."""

_TORQUE_TOLERANCE = 1.01  # share: torque limits are integers too
_EARLY = 0.8
"""Periods by which a goal may come early: a tick may begin half a period late, and a read that waited for a lost reply
delays its goal, not the next one."""

_JITTER = 0.5  # periods: between two goals that are farther from a period than this, no acceleration is measured
_COUNTS = 2.0  # encoder counts: the rounding of two goals
_FINDINGS_MAX = 20  # a run; the counts go on


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule."""

    rule: str
    """Short name, for counting."""
    time_ns: int
    part: str
    """The joint; empty if it is about the robot."""
    said: str
    """What was measured, and what would have been allowed."""

    def __str__(self) -> str:
        where = f" {self.part}:" if self.part else ""
        return f"{self.rule}:{where} {self.said}"


class SeenMotor(Protocol):
    """What is seen of one motor; an emulated motor of any family is one."""

    @property
    def torque_enabled(self) -> bool:
        """Whether its bridge is on."""
        ...

    @property
    def driven(self) -> bool:
        """Whether it follows its goal."""
        ...

    @property
    def goal_writes(self) -> int:
        """Number of goals that it has received."""
        ...

    @property
    def goal(self) -> MotorGoal:
        """What its registers tell it to do."""
        ...

    @property
    def shaft(self) -> Shaft:
        """Its true angle, in its own direction."""
        ...


@dataclass(slots=True)
class _Joint:
    name: str
    config: JointConfig
    enabled: bool = False
    driven: bool = False
    writes: int = 0
    fresh: bool = False  # no goal since torque came on
    position: float | None = None
    shaft: float | None = None  # where it was at the last goal
    stiff: bool = False  # whether the last goal had stiffness: without it a goal may follow the joint
    velocity: float = 0.0
    written_ns: int = 0
    debt: float = 0.0  # rad by which the goals have moved faster than the velocity limit


@dataclass(slots=True)
class MotorOracle:
    """Watches the motors of one robot and collects what is against its YAML.

    Args:
        robot: Gives the limits.
        period_s: Control period, s.
        strangers: Joints whose motor is not addressed by its own goals, because its id is wrong.
        blind: Joints whose encoder is wrong, so that nobody knows where they are when torque comes on.
        frozen: Joints whose encoder stands still. What their motor drives at then is the shaft's own angle and the
            constant error, which is no target; where the joint is at last is another witness's matter.
    """

    robot: RobotConfig
    period_s: float
    strangers: frozenset[str] = frozenset()
    blind: frozenset[str] = frozenset()
    frozen: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """Number of findings by rule."""
    forbidden_ns: int | None = None
    """Since when torque must not come on: the end of the run was asked for, or a fault has latched; None if it may."""
    why: str = ""
    """What forbids it."""
    _joints: list[_Joint] = field(init=False)

    def __post_init__(self) -> None:
        self._joints = [_Joint(name, joint) for name, joint in self.robot.joints.items()]

    def see(self, time_ns: int, motors: Iterable[SeenMotor]) -> bool:
        """Compare what is seen at the motors now, in the order of the robot's joints, with what was seen before.

        Returns:
            Whether a motor started or stopped to be driven.
        """
        changed = False
        for joint, motor in zip(self._joints, motors, strict=True):
            enabled, driven, writes = motor.torque_enabled, motor.driven, motor.goal_writes
            if enabled and not joint.enabled:
                self._came_on(joint, motor, time_ns)
            if writes != joint.writes:
                joint.writes = writes
                if enabled and joint.name not in self.strangers:
                    self._goal(joint, motor.goal, motor.shaft.angle, time_ns)
            changed |= joint.driven != driven
            joint.enabled, joint.driven = enabled, driven
        return changed

    def forbid(self, time_ns: int, why: str) -> None:
        """Let torque not come on from now on; the first reason stays."""
        if self.forbidden_ns is None:
            self.forbidden_ns, self.why = time_ns, why

    def permit(self) -> None:
        """Let torque come on again: an operator has reset the fault and started."""
        self.forbidden_ns, self.why = None, ""

    def driven(self) -> list[str]:
        """Return the joints whose motors follow a goal."""
        return [joint.name for joint in self._joints if joint.driven]

    def report(self, rule: str, time_ns: int, part: str, said: str) -> None:
        """Add a finding."""
        self.counts[rule] += 1
        if len(self.findings) < _FINDINGS_MAX:
            self.findings.append(Finding(rule, time_ns, part, said))

    def _came_on(self, joint: _Joint, motor: SeenMotor, time_ns: int) -> None:
        if self.forbidden_ns is not None and time_ns > self.forbidden_ns + ON_ITS_WAY_NS:
            late_ms = (time_ns - self.forbidden_ns) / 1e6
            self.report(f"torque after {self.why}", time_ns, joint.name, f"on {late_ms:.1f} ms after it")
        goal = motor.goal
        joint.fresh, joint.debt, joint.velocity = True, 0.0, 0.0
        joint.position, joint.stiff = self._angle(joint, goal.position), goal.stiffness > 0.0
        joint.written_ns = time_ns
        self._no_jump(joint, goal, motor.shaft.angle, time_ns, 0.0)

    def _no_jump(self, joint: _Joint, goal: MotorGoal, angle: float, time_ns: int, step: float) -> None:
        config, at, target = joint.config, self._angle(joint, angle), self._angle(joint, goal.position)
        if target is None or at is None or goal.stiffness == 0.0:
            if not abs(goal.effort) <= config.effort_limit * _TORQUE_TOLERANCE:
                self.report("jump at enable", time_ns, joint.name, f"effort {goal.effort:.3g} N*m")
        elif joint.name not in self.strangers | self.blind and not abs(target - at) <= ENABLE_JUMP_MAX + step:
            self.report("jump at enable", time_ns, joint.name, f"goal {target:.3f} rad, joint at {at:.3f} rad")

    def _goal(self, joint: _Joint, goal: MotorGoal, angle: float, time_ns: int) -> None:
        self._torques(joint, goal, time_ns)
        target = self._angle(joint, goal.position)
        before, elapsed_s = joint.position, (time_ns - joint.written_ns) / NS_PER_S
        joint.position, joint.written_ns = target, time_ns
        if target is None:
            return
        first, joint.fresh = joint.fresh, False
        if first:
            self._no_jump(joint, goal, angle, time_ns, joint.config.velocity_limit * self.period_s)
            before = self._first(joint, target, before, self._angle(joint, angle))
        stiff, joint.stiff = joint.stiff, goal.stiffness > 0.0
        if joint.stiff and joint.name not in self.frozen:
            self._inside(joint, target, before, time_ns, ENABLE_JUMP_MAX if first else 0.0)
        at = self._angle(joint, angle)
        if before is not None and stiff and joint.stiff:
            self._step(joint, self._moved(joint, target - before, at), elapsed_s, time_ns)
        else:
            joint.debt = joint.velocity = 0.0
        joint.shaft = at

    def _moved(self, joint: _Joint, step: float, at: float | None) -> float:
        """Return how far a goal moved by itself: that of a motor whose encoder stands still moves with the shaft."""
        if joint.name not in self.frozen or at is None or joint.shaft is None:
            return step
        return min(step, step - (at - joint.shaft), key=abs)

    def _first(self, joint: _Joint, target: float, held: float | None, at: float | None) -> float | None:
        """Return from where the first goal after torque came on moves: it is the present pose, wherever that is.

        A joint may sag while the others are switched on; one whose encoder has jumped is where the encoder says, for
        its motor too.
        """
        if joint.name in self.blind:
            return target
        if held is None or at is None:
            return at if held is None else held
        return at if abs(target - at) <= abs(target - held) else held

    def _torques(self, joint: _Joint, goal: MotorGoal, time_ns: int) -> None:
        config = joint.config
        if not abs(goal.effort) <= config.effort_limit * _TORQUE_TOLERANCE + config.motor.effort_unit:
            self.report("effort", time_ns, joint.name, f"{goal.effort:.3g} of {config.effort_limit:g} N*m")
        if config.mode == "current" or config.stiffness == 0.0:
            return
        limit = config.effort_limit * _TORQUE_TOLERANCE
        bounded = config.effort_limit < config.motor.nominal.stall_torque
        if bounded and not goal.effort_max <= limit:
            self.report("effort", time_ns, joint.name, f"limit {goal.effort_max:.3g} of {config.effort_limit:g} N*m")
        for word, value, largest in (
            ("stiffness", goal.stiffness, config.stiffness),
            ("damping", goal.damping, config.damping),
        ):
            if not 0.0 <= value <= largest * (1.0 + _GAIN_TOLERANCE) + _GAIN_STEP:
                self.report("gain", time_ns, joint.name, f"{word} {value:.3g} of {largest:g}")

    def _inside(self, joint: _Joint, target: float, before: float | None, time_ns: int, moved: float) -> None:
        """A goal is inside the limits; one that starts outside, within the margin, moves back and never out.

        The first one is where the joint was read, from where it may have moved.
        """
        (low, high), margin = joint.config.position_limits, self.robot.safety.position_margin
        reach = _COUNTS * _count(joint.config) + moved
        if before is not None:
            low = max(min(low, before), low - margin)
            high = min(max(high, before), high + margin)
        if not low - reach <= target <= high + reach:
            self.report("position", time_ns, joint.name, f"goal {target:.4f} rad, allowed {low:.4f} to {high:.4f}")

    def _step(self, joint: _Joint, step: float, elapsed_s: float, time_ns: int) -> None:
        """A goal moves no faster than the joint may; what comes early is counted until the time for it has passed.

        The time is that since the last goal that arrived, so a lost one allows the next to be as far as both.
        """
        config, count = joint.config, _count(joint.config)
        joint.debt = max(0.0, joint.debt + abs(step) - config.velocity_limit * elapsed_s)
        allowed = config.velocity_limit * _EARLY * self.period_s + _COUNTS * count
        if not joint.debt <= allowed:
            self.report(
                "velocity",
                time_ns,
                joint.name,
                f"goal moved {step:.4f} rad in {elapsed_s * 1e3:.1f} ms, {joint.debt:.4f} rad ahead of the limit",
            )
            joint.debt = 0.0  # the next finding is another one
        self._bend(joint, step, elapsed_s, time_ns, count)

    def _bend(self, joint: _Joint, step: float, elapsed_s: float, time_ns: int, count: float) -> None:
        period, limit = self.period_s, joint.config.acceleration_limit
        velocity, before = step / period, joint.velocity
        joint.velocity = velocity
        regular = (1.0 - _JITTER) * period <= elapsed_s <= (1.0 + _JITTER) * period
        if limit is None or not regular:
            return
        # Slowing down is free: a goal may stop at a limit or hold where it is.
        faster = abs(velocity) - abs(before) if velocity * before >= 0.0 else abs(velocity - before)
        if not faster <= limit * period * (1.0 + _JITTER) + 2.0 * _COUNTS * count / period:
            said = f"goal went from {before:.3f} to {velocity:.3f} rad/s in a tick"
            self.report("acceleration", time_ns, joint.name, said)

    def _angle(self, joint: _Joint, motor_angle: float | None) -> float | None:
        if motor_angle is None or not -inf < motor_angle < inf:
            return None
        return joint.config.direction * (motor_angle - joint.config.zero)


def _count(config: JointConfig) -> float:
    """Return the angle of one encoder count, rad."""
    return tau / config.motor.counts_per_revolution
