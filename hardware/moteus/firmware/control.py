"""The control law of an emulated moteus: from command registers to torque.

Source: moteus firmware, bldc_servo_control.h and bldc_servo_structs.h. Units are the controller's: revolutions, N·m.
"""

from dataclasses import dataclass
from math import inf, isnan, nan

from sim2real.hardware.moteus.firmware.trajectory import Trajectory
from sim2real.hardware.moteus.tables import BY_NAME, Fault, Mode

DEFAULT_ACCELERATION_LIMIT = 50.0  # servo.default_accel_limit, rev/s²
VELOCITY_MAX = 500.0  # servo.max_velocity, rev/s
TIMEOUT_TORQUE_MAX = 5.0  # servo.timeout_max_torque_Nm
CURRENT_MAX = 100.0  # servo.max_current_A of an r4

WATCHED = (Mode.POSITION, Mode.STAY_WITHIN)
"""Modes with a watchdog and position bounds."""

INITIAL = {register.name: register.initial for register in BY_NAME.values() if 0x010 <= register.address < 0x050}
"""Register values at the start of a new command."""


@dataclass(slots=True)
class Torques:
    """The terms of the commanded torque in position mode, N·m."""

    p: float = 0.0
    d: float = 0.0
    feedforward: float = 0.0
    total: float = 0.0
    """Sum, after the limits."""


class Control:
    """Control position, impedance control and limits of one controller.

    Attributes:
        command: The registers of the last command, by name; replaced with every command.
        position_min: servopos.position_min, rev; NaN for none. The controller's factory default is -0.01.
        position_max: servopos.position_max, rev; NaN for none. The controller's factory default is 0.01.
        trajectory: Control position and velocity.
        torques: Terms of the commanded torque.
        limit: Code of the active limit, from 96 on; 0 if there is none.
    """

    def __init__(self, kp: float, kd: float, torque_constant: float) -> None:
        self.kp, self.kd = kp, kd
        self.position_min = self.position_max = nan
        self.trajectory = Trajectory()
        self.torques = Torques()
        self.limit = 0
        self.command: dict[str, float] = dict(INITIAL)
        self._torque_constant = torque_constant

    def clear(self) -> None:
        """Reset the state of the last mode."""
        self.trajectory.clear()
        self.torques = Torques()
        self.limit = 0

    def outside(self, position: float) -> bool:
        """Return whether a position (rev) is outside the bounds, so that a bounded mode must not start."""
        bounded = not self.command["ignore_position_bounds"]
        return bounded and (position < self.position_min or position > self.position_max)

    def aim(self, position: float) -> bool:
        """Set the trajectory's goal from the command; return False for limits with a stop position, a fault."""
        command = self.command
        velocity_limit, acceleration_limit = command["velocity_limit"], command["acceleration_limit"]
        if isnan(acceleration_limit):
            acceleration_limit = DEFAULT_ACCELERATION_LIMIT
        # A negative limit means no limit; servo.default_velocity_limit is not set either.
        velocity_limit = velocity_limit if velocity_limit >= 0.0 else nan
        acceleration_limit = acceleration_limit if acceleration_limit >= 0.0 else nan
        if not (isnan(velocity_limit) and isnan(acceleration_limit)):
            velocity_limit = VELOCITY_MAX if isnan(velocity_limit) else min(velocity_limit, VELOCITY_MAX)
            if not isnan(command["stop_position"]):
                return False
        velocity = command["command_velocity"]
        if isnan(command["command_position"]) and not isnan(command["stop_position"]):
            velocity = abs(velocity) if command["stop_position"] > position else -abs(velocity)
        self.trajectory.aim(command["command_position"], velocity, velocity_limit, acceleration_limit)
        return True

    def torque(self, mode: Mode, position: float, velocity: float, dt: float) -> float:
        """Return the torque at the output in a mode, within the limits, N·m; arguments in rev, rev/s, s."""
        return self._limited(mode, self._commanded(mode, position, velocity, dt))

    def _commanded(self, mode: Mode, position: float, velocity: float, dt: float) -> float:
        command = self.command
        if mode == Mode.CURRENT:
            return command["command_q_current"] * self._torque_constant
        if mode == Mode.POSITION:
            self._follow(position, velocity, dt)
            return self._impedance(position, velocity, command["kp_scale"], command["feedforward_torque"])
        if mode == Mode.STAY_WITHIN:
            return self._stay_within(position, velocity)
        if mode in (Mode.ZERO_VELOCITY, Mode.TIMEOUT):
            self.trajectory.hold(position)
            return self._impedance(position, velocity, 0.0, 0.0)
        return 0.0

    def _follow(self, position: float, velocity: float, dt: float) -> None:
        """Advance the control position, up to the bounds and the stop position."""
        trajectory = self.trajectory
        trajectory.start(position, velocity)
        trajectory.step(dt)
        stop = self.command["stop_position"]
        if (trajectory.position - stop) * trajectory.velocity > 0.0:
            trajectory.hold(stop)
        if not self.command["ignore_position_bounds"]:
            if trajectory.position < self.position_min:
                trajectory.hold(self.position_min)
            elif trajectory.position > self.position_max:
                trajectory.hold(self.position_max)

    def _stay_within(self, position: float, velocity: float) -> float:
        low, high = self.command["within_lower"], self.command["within_upper"]
        if position < low or position > high:
            self.trajectory.hold(low if position < low else high)
            return self._impedance(position, velocity, self.command["kp_scale"], self.command["feedforward_torque"])
        self.trajectory.clear()
        self.torques = Torques(feedforward=self.command["feedforward_torque"])
        return self.torques.feedforward

    def _impedance(self, position: float, velocity: float, kp_scale: float, feedforward: float) -> float:
        """Return kp·scale·(control position - position) + kd·scale·(control velocity - velocity) + feed-forward."""
        p = self.kp * kp_scale * (self.trajectory.position - position)
        d = self.kd * self.command["kd_scale"] * (self.trajectory.velocity - velocity)
        self.torques = Torques(p, d, feedforward)
        return p + d + feedforward

    def _limited(self, mode: Mode, torque: float) -> float:
        """Clip a torque to the commanded limit and to the current limit of the bridge."""
        self.limit = 0
        if isnan(torque):  # from a command with NaN
            torque = 0.0
        limits = (
            (self._torque_max(mode), Fault.LIMIT_TORQUE),
            (CURRENT_MAX * self._torque_constant, Fault.LIMIT_CURRENT),
        )
        for limit, code in limits:
            if not -limit <= torque <= limit:
                torque = min(max(torque, -limit), limit)
                self.limit = int(code)
        self.torques.total = torque
        return torque

    def _torque_max(self, mode: Mode) -> float:
        if mode in WATCHED:
            limit = self.command["maximum_torque"]
            return inf if isnan(limit) else abs(limit)
        return TIMEOUT_TORQUE_MAX if mode in (Mode.ZERO_VELOCITY, Mode.TIMEOUT) else inf
