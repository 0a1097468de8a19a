"""A bounded wiggle of one joint after the other: does each motor follow, how late, how exactly, with what effort.

Each joint goes a few degrees up and down from where it is, and rests in the middle twice: once coming from above, once
from below. All others are held. Nothing here switches torque off: the caller does, however this ends.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim2real.configs.schema.robot import JointConfig, RobotConfig
from sim2real.hardware.clock import Clock
from sim2real.hardware.interface import JointInterface
from sim2real.hardware.types import Float64Array
from sim2real.hardware.workbench.held_joints import AMPLITUDE, PERIOD_NS, SPEED, HeldJoints, path

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

_REST_S = 0.3
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
        self._held = HeldJoints(robot, hardware, clock)

    def begin(self) -> None:
        """Switch torque on and hold every joint where it is. Raises HardwareError."""
        self._held.hold()

    def wiggle(self, joint: str, told: Callable[[], None] = lambda: None) -> Wiggle:
        """Wiggle one joint.

        Args:
            joint: Its name.
            told: Called at every tick; what it raises ends the wiggle.

        Raises:
            HardwareError: A motor reports a fault, or the joint strays from its target.
        """
        index = self._held.names.index(joint)
        config = self._held.config(joint)
        low, high = config.position_limits
        amplitude = min(AMPLITUDE, _SHARE_OF_RANGE * (high - low))
        start = float(self._held.targets[index])
        middle = min(max(start, low + amplitude), high - amplitude)
        speed = min(SPEED, 0.5 * config.velocity_limit)
        held = self._held.state.position.copy()
        for target in path(start, middle, speed):
            self._follow(index, target, told)
        rows: list[tuple[float, float, float, float, bool]] = []
        rests = []
        others = 0.0
        for end in (middle + amplitude, middle - amplitude):
            for target in (*path(middle, end, speed), *path(end, middle, speed)):
                self._follow(index, target, told)
                state = self._held.state
                fresh = bool(state.fresh[index])
                rows.append((target, state.position[index], state.velocity[index], state.effort[index], fresh))
                others = max(others, float(np.max(np.delete(np.abs(state.position - held), index), initial=0.0)))
            for _ in range(_RESTING):
                self._follow(index, middle, told)
            rests.append(float(self._held.state.position[index]))
        for target in path(middle, start, speed):
            self._follow(index, target, told)
        return _judged(joint, config, amplitude, middle, np.array(rows), rests, others)

    def _follow(self, index: int, target: float, told: Callable[[], None]) -> None:
        self._held.targets[index] = target
        self._held.tick()
        told()
        self._held.check_near(index)


_RESTING = round(_REST_S * 1e9) // PERIOD_NS


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
    latency = _lag(target - middle, position - middle) * PERIOD_NS * 1e-9
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
