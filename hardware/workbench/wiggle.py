"""A bounded wiggle of one joint after the other: does each motor follow, how late, how exactly, with what effort.

Each joint goes a few degrees up and down from where it is, and rests in the middle twice: once coming from above, once
from below. All others are held. Nothing here switches torque off: the caller does, however this ends.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim2real.configs.schema.robot import JointConfig, RobotConfig
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.interface import JointInterface
from sim2real.hardware.types import Float64Array, JointCommand, JointState, MotorFault

AMPLITUDE: Final = math.radians(5.0)
"""rad, to each side; less where the joint's range is small."""
SPEED: Final = 0.3
"""rad/s, highest; less where the joint's limit is."""

FOLLOWED_MIN: Final = 0.6
"""Share of the wiggle that the joint must make."""
HYSTERESIS_MAX: Final = math.radians(2.5)
"""rad between resting in the middle from above and from below: backlash, friction, dead zone."""
LATENCY_MAX: Final = 0.25
"""s by which the joint may be behind its target: the loop of a soft joint is slow, a wrong one much slower."""
FRESH_MIN: Final = 0.9
"""Share of readings that must arrive."""
OTHERS_MAX: Final = math.radians(3.0)
"""rad that the other joints may move."""

_PERIOD_NS = ns_from_s(0.01)
_REST_S = 0.3
_STRAY = math.radians(15.0)  # farther from its target than this, the joint is stopped
_SHARE_OF_RANGE = 0.2


@dataclass(frozen=True, slots=True)
class Wiggle:
    """What one joint did; angles in rad at the joint."""

    joint: str
    amplitude: float
    """Commanded, to each side."""
    followed: float
    """Share of it that the joint made."""
    speed: float
    """Highest measured, rad/s."""
    effort: float
    """Highest measured, N·m."""
    latency: float
    """s that the joint was behind its target."""
    hysteresis: float
    """Between resting in the middle from above and from below: backlash, friction, dead zone."""
    sense: bool
    """Whether measured velocity and position have one sign."""
    fresh: float
    """Share of readings that arrived."""
    others: float
    """Largest move of another joint."""
    problems: tuple[str, ...]
    """What is not as it should be; empty for a pass."""

    @property
    def ok(self) -> bool:
        """Whether the joint passed."""
        return not self.problems


class Wiggler:
    """Wiggles the joints of a robot that is open; torque is off before.

    Args:
        robot: The robot.
        hardware: Its motors.
        clock: Their clock.
    """

    def __init__(self, robot: RobotConfig, hardware: JointInterface, clock: Clock) -> None:
        self._joints: list[JointConfig] = list(robot.joints.values())
        self._names = list(robot.joints)
        self._hardware, self._clock = hardware, clock
        self._state = JointState.empty(len(self._joints))
        self._command = JointCommand.zeros(len(self._joints))
        self._command.stiffness[:] = [joint.stiffness for joint in self._joints]
        self._command.damping[:] = [joint.damping for joint in self._joints]
        self._by_effort = np.array([joint.mode == "current" for joint in self._joints])
        self._limit = np.array([joint.effort_limit for joint in self._joints])
        self._stiffness, self._damping = np.array([_gains(joint) for joint in self._joints]).T
        self._targets = np.zeros(len(self._joints))
        self._due_ns = 0

    def begin(self) -> None:
        """Switch torque on and hold every joint where it is. Raises HardwareError."""
        for _ in range(_FIRST_READINGS):
            self._hardware.read(self._state)
            if (self._state.stamp_ns >= 0).all():
                break
        else:
            silent = ", ".join(name for name, at in zip(self._names, self._state.stamp_ns, strict=True) if at < 0)
            raise HardwareError(f"no reading from {silent}")
        self._targets[:] = self._state.position
        self._hardware.enable()
        self._due_ns = self._clock.now_ns()
        for _ in range(_SETTLING):
            self._tick()

    def wiggle(self, joint: str, told: Callable[[], None] = lambda: None) -> Wiggle:
        """Wiggle one joint.

        Args:
            joint: Its name.
            told: Called at every tick; what it raises ends the wiggle.

        Raises:
            HardwareError: A motor reports a fault, or the joint strays from its target.
        """
        index = self._names.index(joint)
        config = self._joints[index]
        low, high = config.position_limits
        amplitude = min(AMPLITUDE, _SHARE_OF_RANGE * (high - low))
        start = float(self._targets[index])
        middle = min(max(start, low + amplitude), high - amplitude)
        speed = min(SPEED, 0.5 * config.velocity_limit)
        held = self._state.position.copy()
        for target in _path(start, middle, speed):
            self._follow(index, target, told)
        rows: list[tuple[float, float, float, float, bool]] = []
        rests = []
        others = 0.0
        for end in (middle + amplitude, middle - amplitude):
            for target in (*_path(middle, end, speed), *_path(end, middle, speed)):
                self._follow(index, target, told)
                state = self._state
                fresh = bool(state.fresh[index])
                rows.append((target, state.position[index], state.velocity[index], state.effort[index], fresh))
                others = max(others, float(np.max(np.delete(np.abs(state.position - held), index), initial=0.0)))
            for _ in range(_RESTING):
                self._follow(index, middle, told)
            rests.append(float(self._state.position[index]))
        for target in _path(middle, start, speed):
            self._follow(index, target, told)
        return _judged(joint, config, amplitude, middle, np.array(rows), rests, others)

    def _follow(self, index: int, target: float, told: Callable[[], None]) -> None:
        self._targets[index] = target
        self._tick()
        told()
        stray = abs(float(self._state.position[index]) - target)
        if not stray <= _STRAY + self._limit[index] / max(self._joints[index].stiffness, _SOFT):
            raise HardwareError(
                f"joint {self._names[index]!r} is {math.degrees(stray):.1f}° from its target: it is blocked, moves the "
                "other way, or something pushes it"
            )

    def _tick(self) -> None:
        """Read, check, command, and wait for the next tick."""
        state, command = self._state, self._command
        self._hardware.read(state)
        if state.faults.any():
            index = int(state.faults.argmax())
            fault = MotorFault(int(state.faults[index]))
            raise HardwareError(f"joint {self._names[index]!r} reports {str(fault.name).lower().replace('_', ' ')}")
        command.position[:] = self._targets
        pull = self._stiffness * (self._targets - state.position) - self._damping * state.velocity
        command.effort[:] = np.where(self._by_effort, np.clip(pull, -self._limit, self._limit), 0.0)
        self._hardware.write(command)
        self._due_ns = max(self._due_ns + _PERIOD_NS, self._clock.now_ns())
        self._clock.sleep_until_ns(self._due_ns)


_FIRST_READINGS = 20
_SETTLING = 30  # ticks
_RESTING = round(_REST_S * 1e9) // _PERIOD_NS
_BANDWIDTH = 25.0  # rad/s
_INERTIA_MIN = 1e-3  # kg·m²: a horn with something on it
_SOFT = 0.1  # N·m/rad


def _gains(joint: JointConfig) -> tuple[float, float]:
    """Return stiffness (N·m/rad) and damping (N·m·s/rad) with which a joint in current mode is wiggled.

    Stiff enough to overcome friction within the amplitude, and slow enough for 100 Hz.
    """
    inertia = max(joint.motor.armature, _INERTIA_MIN)
    stiffness = max(joint.stiffness, min(joint.effort_limit / AMPLITUDE, inertia * _BANDWIDTH**2))
    return stiffness, max(joint.damping, 1.4 * math.sqrt(stiffness * inertia))


def _path(start: float, end: float, speed: float) -> Iterator[float]:
    """Yield targets from one angle to another, from rest to rest on a cosine, at most this fast, rad/s."""
    duration = math.pi / 2 * abs(end - start) / speed
    ticks = math.ceil(duration * 1e9 / _PERIOD_NS)
    for tick in range(1, ticks + 1):
        yield start + (end - start) * (1.0 - math.cos(math.pi * tick / ticks)) / 2.0


def _judged(
    joint: str,
    config: JointConfig,
    amplitude: float,
    middle: float,
    rows: Float64Array,
    rests: list[float],
    others: float,
) -> Wiggle:
    """Return the figures of a wiggle; columns of the rows are target, position, velocity, effort, fresh."""
    target, position, velocity, effort, fresh = rows.T
    followed = float(np.ptp(position)) / (2.0 * amplitude)
    latency = _lag(target - middle, position - middle) * _PERIOD_NS * 1e-9
    moves = np.gradient(position)
    sense = float(np.dot(moves, velocity)) > 0.0
    speed, strongest = float(np.abs(velocity).max()), float(np.abs(effort).max())
    hysteresis, arrived = abs(rests[0] - rests[1]), float(fresh.mean())
    problems = []
    if not followed >= FOLLOWED_MIN:
        problems.append(f"made only {followed:.0%} of the move: blocked, too weak, or too soft")
    if not latency <= LATENCY_MAX:
        problems.append(f"is {latency * 1e3:.0f} ms behind its target")
    if not hysteresis <= HYSTERESIS_MAX:
        problems.append(f"rests {math.degrees(hysteresis):.1f}° apart from above and below: backlash or friction")
    if not sense:
        problems.append("its velocity has the wrong sign")
    if not arrived >= FRESH_MIN:
        problems.append(f"only {arrived:.0%} of its readings arrived")
    if not others <= OTHERS_MAX:
        problems.append(f"another joint moved {math.degrees(others):.1f}° with it")
    if not strongest <= 1.2 * config.effort_limit:
        problems.append(f"measured {strongest:.2f} N·m, above its effort limit")
    return Wiggle(
        joint, amplitude, followed, speed, strongest, latency, hysteresis, sense, arrived, others, tuple(problems)
    )


def _lag(target: Float64Array, position: Float64Array) -> float:
    """Return by how many ticks the position is behind the target: the shift at which they agree best."""
    longest = len(target) // 3
    errors = [float(np.mean((target[: len(target) - shift] - position[shift:]) ** 2)) for shift in range(longest)]
    return float(np.argmin(errors))
