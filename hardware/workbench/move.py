"""A slow move of some joints to given angles, all in the same time; the others are held.

Speed, acceleration, jerk and range are those of the robot YAML. Nothing here switches torque off: the caller does,
however this ends.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.plugins import unknown
from sim2real.configs.schema.robot import JointConfig, RobotConfig
from sim2real.hardware.clock import NS_PER_S, Clock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.interface import JointInterface
from sim2real.hardware.workbench.held_joints import PERIOD_NS, SPEED, HeldJoints

Told = Callable[[float, float], None]
"""Called at every tick with the seconds since the start and the seconds that all of it takes."""


@dataclass(frozen=True, slots=True)
class JointMove:
    """What one joint did; angles in rad at the joint."""

    joint: str
    start: float
    target: float
    end: float
    """Where it was at last."""
    speed: float
    """Highest measured, rad/s."""
    effort: float
    """Highest measured, N·m."""
    tolerance: float
    """Largest distance from the target at which the joint has arrived."""

    @property
    def ok(self) -> bool:
        """Whether the joint arrived."""
        return abs(self.end - self.target) <= self.tolerance


class Mover:
    """Moves joints of a robot that is open; torque is off before.

    Args:
        robot: The robot.
        hardware: Its motors.
        clock: Their clock.
        targets: Joint angle by joint, rad.
        speed: Highest speed of a joint, rad/s; slow when left out.

    Raises:
        UserError: What `refuse` refuses.
    """

    def __init__(
        self,
        robot: RobotConfig,
        hardware: JointInterface,
        clock: Clock,
        targets: Mapping[str, float],
        speed: float | None = None,
    ) -> None:
        refuse(robot, targets, speed)
        self._robot, self._targets, self._speed = robot, dict(targets), speed
        self._held = HeldJoints(robot, hardware, clock)
        self._moved = [self._held.names.index(name) for name in targets]

    def begin(self) -> float:
        """Read where the joints are, without torque; return how long the move takes, s.

        Raises:
            HardwareError: A joint does not answer, or is outside its limits.
        """
        self._held.read_all()
        self._check_range()
        return self._duration()

    def move(self, hold: float, told: Told = lambda now, total: None) -> list[JointMove]:
        """Switch torque on, move, and hold the joints at their targets, s.

        Raises:
            HardwareError: A reading is outside the robot's limits, or a joint strays from its target.
        """
        held, moved = self._held, self._moved
        held.hold()
        start = held.targets[moved].copy()
        ends = np.array(list(self._targets.values()))
        ticks = math.ceil(self._duration() * NS_PER_S / PERIOD_NS)
        total = ticks + math.ceil(hold * NS_PER_S / PERIOD_NS)
        speed, effort = np.zeros(len(moved)), np.zeros(len(moved))
        for tick in range(1, total + 1):
            share = 1.0 if tick >= ticks else (1.0 - math.cos(math.pi * tick / ticks)) / 2.0
            held.targets[moved] = start + share * (ends - start)
            held.tick()
            self._check_motion()
            np.maximum(speed, np.abs(held.state.velocity[moved]), out=speed)
            np.maximum(effort, np.abs(held.state.effort[moved]), out=effort)
            told(tick * PERIOD_NS / NS_PER_S, total * PERIOD_NS / NS_PER_S)
        rows = zip(self._targets.items(), start, held.state.position[moved], speed, effort, strict=True)
        return [
            JointMove(name, float(began), target, float(end), float(fast), float(strong), self._robot.ready.tolerance)
            for (name, target), began, end, fast, strong in rows
        ]

    def _duration(self) -> float:
        """Return the time in which no joint exceeds its speed, acceleration or jerk, s."""
        position = self._held.state.position
        return max(
            _duration(self._held.config(name), abs(target - float(position[index])), self._speed)
            for index, (name, target) in zip(self._moved, self._targets.items(), strict=True)
        )

    def _check_range(self) -> None:
        margin = self._robot.safety.position_margin
        for index, name in zip(self._moved, self._targets, strict=True):
            low, high = self._held.config(name).position_limits
            position = float(self._held.state.position[index])
            if not low - margin <= position <= high + margin:
                raise HardwareError(
                    f"joint {name!r} is at {_degrees(position)}, outside its limits, {_degrees(low)} to "
                    f"{_degrees(high)}: calibrate it, or move it by hand with torque off"
                )

    def _check_motion(self) -> None:
        self._check_range()
        for index, name in enumerate(self._held.names):
            self._held.check_near(index)
            limit = self._held.config(name).velocity_limit + self._robot.safety.velocity_margin
            velocity = abs(float(self._held.state.velocity[index]))
            if not velocity <= limit:
                raise HardwareError(f"joint {name!r} moves at {velocity:.2f} rad/s; its limit is {limit:.2f} rad/s")


def refuse(robot: RobotConfig, targets: Mapping[str, float], speed: float | None) -> None:
    """Raise UserError for a joint that the robot does not have, or an angle or a speed outside its limits."""
    for name, angle in targets.items():
        if name not in robot.joints:
            raise UserError(f"robot {robot.name!r}: {unknown('joint', name, robot.joints)}")
        joint = robot.joints[name]
        low, high = joint.position_limits
        if not low <= angle <= high:
            raise UserError(
                f"joint {name!r}: {_degrees(angle)} is outside its limits; valid: {_degrees(low)} to {_degrees(high)}"
            )
        if speed is not None and not 0.0 < speed <= joint.velocity_limit:
            raise UserError(
                f"joint {name!r}: {speed:g} rad/s is no speed within its limit; valid: above 0, up to "
                f"{joint.velocity_limit:g} rad/s"
            )


def _duration(joint: JointConfig, way: float, speed: float | None) -> float:
    """Return how long a move from rest to rest on a cosine takes, s: the peaks of its derivatives are the limits."""
    fastest = min(SPEED, 0.5 * joint.velocity_limit) if speed is None else speed
    times = [math.pi / 2 * way / fastest]
    if joint.acceleration_limit is not None:
        times.append(math.pi * math.sqrt(way / (2.0 * joint.acceleration_limit)))
    if joint.jerk_limit is not None:
        times.append(math.pi * math.cbrt(way / (2.0 * joint.jerk_limit)))
    return max(times)


def _degrees(angle: float) -> str:
    return f"{math.degrees(angle):.1f}°"
