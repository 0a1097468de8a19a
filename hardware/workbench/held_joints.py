"""All joints of a robot held where they are, so that a bench command can move some of them slowly and in bounds.

The bounds are those of the robot YAML: a reading outside of them ends the motion with `HardwareError`. Nothing here
switches torque off: the caller does, however this ends.
"""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from sim2real.configs.schema.robot import JointConfig, RobotConfig
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.interface import JointInterface
from sim2real.hardware.types import JointCommand, JointState, MotorFault, Supervision

SPEED: Final = 0.3
"""rad/s at which a bench command moves a joint; less where the joint's limit is."""
AMPLITUDE: Final = math.radians(5.0)
"""rad within which a joint in current mode must overcome its friction."""
PERIOD_NS: Final = ns_from_s(0.01)
"""Of a tick."""

_STRAY = math.radians(15.0)  # farther from its target than this, and what its softness allows, a joint is stopped
_FIRST_READINGS = 20
_SETTLING = 30  # ticks
_BANDWIDTH = 25.0  # rad/s
_INERTIA_MIN = 1e-3  # kg·m²: a horn with something on it
_SOFT = 0.1  # N·m/rad


class HeldJoints:
    """Holds the joints of a robot that is open; torque is off before.

    Args:
        robot: The robot.
        hardware: Its motors.
        clock: Their clock.

    Attributes:
        names: The joints, in the order of the arrays.
        state: The last reading.
        targets: Positions that are held, rad; set them before a tick.
    """

    def __init__(self, robot: RobotConfig, hardware: JointInterface, clock: Clock) -> None:
        self.names = list(robot.joints)
        self._joints: list[JointConfig] = list(robot.joints.values())
        self._safety = robot.safety
        self._hardware, self._clock = hardware, clock
        self.state = JointState.empty(len(self._joints))
        self.targets = np.zeros(len(self._joints))
        self._command = JointCommand.zeros(len(self._joints))
        self._command.stiffness[:] = [joint.stiffness for joint in self._joints]
        self._command.damping[:] = [joint.damping for joint in self._joints]
        self._by_effort = np.array([joint.mode == "current" for joint in self._joints])
        self._limit = np.array([joint.effort_limit for joint in self._joints])
        self._stiffness, self._damping = np.array([_gains(joint) for joint in self._joints]).T
        self._voltages = np.array([robot.safety.voltages_at(joint.supply) for joint in self._joints]).T
        self._loss_ns = ns_from_s(robot.safety.communication_loss)
        self._due_ns = 0

    def config(self, name: str) -> JointConfig:
        """Return a joint's configuration."""
        return self._joints[self.names.index(name)]

    def read_all(self) -> None:
        """Read until every joint has answered once. Raises HardwareError."""
        for _ in range(_FIRST_READINGS):
            self._hardware.read(self.state)
            if (self.state.stamp_ns >= 0).all():
                return
        silent = ", ".join(name for name, at in zip(self.names, self.state.stamp_ns, strict=True) if at < 0)
        raise HardwareError(f"no reading from {silent}")

    def hold(self) -> None:
        """Switch torque on and hold every joint where it is. Raises HardwareError."""
        self.read_all()
        self.targets[:] = self.state.position
        self._hardware.enable()
        self._due_ns = self._clock.now_ns()
        for _ in range(_SETTLING):
            self.tick()

    def tick(self) -> None:
        """Read, check, command the targets, and wait for the next tick.

        Raises:
            HardwareError: A motor reports a fault or does not answer, is too hot, or has a voltage outside its range;
                or nothing would stop the motors if this program died.
        """
        state, command = self.state, self._command
        self._hardware.read(state)
        self._check()
        command.position[:] = self.targets
        pull = self._stiffness * (self.targets - state.position) - self._damping * state.velocity
        command.effort[:] = np.where(self._by_effort, np.clip(pull, -self._limit, self._limit), 0.0)
        self._hardware.write(command)
        self._due_ns = max(self._due_ns + PERIOD_NS, self._clock.now_ns())
        self._clock.sleep_until_ns(self._due_ns)

    def check_near(self, index: int) -> None:
        """Raise HardwareError if a joint is far from its target."""
        stray = abs(float(self.state.position[index] - self.targets[index]))
        if not stray <= _STRAY + self._limit[index] / max(self._joints[index].stiffness, _SOFT):
            raise HardwareError(
                f"joint {self.names[index]!r} is {math.degrees(stray):.1f}° from its target: it is blocked, moves the "
                "other way, or something pushes it"
            )

    def _check(self) -> None:
        state, safety = self.state, self._safety
        if state.faults.any():
            index = int(state.faults.argmax())
            fault = MotorFault(int(state.faults[index]))
            stood_still = f": the machine was too busy for longer than safety.watchdog, {safety.watchdog * 1e3:g} ms"
            why = stood_still if fault & MotorFault.WATCHDOG else ""
            raise HardwareError(f"joint {self.names[index]!r} reports {str(fault.name).lower().replace('_', ' ')}{why}")
        if self._hardware.supervision in (Supervision.LOST, Supervision.TRIPPED):
            raise HardwareError("the supervisor process is lost, or has stopped the motors")
        age_ns = self._clock.now_ns() - state.stamp_ns
        # Temperature and voltage are NaN until they have been read, which is no finding yet.
        for wrong, text in (
            (~(age_ns <= self._loss_ns), "does not answer"),
            (state.temperature > safety.temperature_max, f"is hotter than {safety.temperature_max:g} °C"),
        ):
            if wrong.any():
                raise HardwareError(f"joint {self.names[int(wrong.argmax())]!r} {text}")
        low, high = self._voltages
        outside = (state.voltage < low) | (state.voltage > high)
        if outside.any():
            index = int(outside.argmax())
            raise HardwareError(
                f"joint {self.names[index]!r} has a voltage outside {low[index]:g} to {high[index]:g} V: "
                f"{state.voltage[index]:.1f} V"
            )


def path(start: float, end: float, speed: float) -> Iterator[float]:
    """Yield targets from one angle to another, from rest to rest on a cosine, at most this fast, rad/s."""
    duration = math.pi / 2 * abs(end - start) / speed
    ticks = math.ceil(duration * 1e9 / PERIOD_NS)
    for tick in range(1, ticks + 1):
        yield start + (end - start) * (1.0 - math.cos(math.pi * tick / ticks)) / 2.0


def _gains(joint: JointConfig) -> tuple[float, float]:
    """Return stiffness (N·m/rad) and damping (N·m·s/rad) with which a joint in current mode is held.

    Stiff enough to overcome friction within the amplitude, and slow enough for 100 Hz.
    """
    inertia = max(joint.motor.armature, _INERTIA_MIN)
    stiffness = max(joint.stiffness, min(joint.effort_limit / AMPLITUDE, inertia * _BANDWIDTH**2))
    return stiffness, max(joint.damping, 1.4 * math.sqrt(stiffness * inertia))
