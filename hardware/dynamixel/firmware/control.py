"""The control loops of an X-series motor: from goals and gains in firmware units to the duty cycle of the bridge.

Plain floats and one object per motor: for up to a few dozen motors, a numpy call on such a short array costs as much as
the arithmetic for several motors.
"""

import struct
from math import pi

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.dynamixel.firmware.memory import Memory
from sim2real.hardware.dynamixel.firmware.profile import XSeriesProfile
from sim2real.hardware.dynamixel.gains import D_UNIT, I_UNIT, LOOP_HZ, P_UNIT, PWM_FULL

CURRENT, VELOCITY, POSITION, EXTENDED, CURRENT_POSITION, PWM = 0, 1, 3, 4, 5, 16
POSITION_MODES = (POSITION, EXTENDED, CURRENT_POSITION)

_PROFILE_ACCELERATION = 214.577 * 2.0 * pi / 3600.0
"""rad/s²: 214.577 rev/min² (e-Manual, 108)."""

_GOALS = struct.Struct("<hhiIIi")
"""Goal PWM (100), Goal Current, Goal Velocity, Profile Acceleration, Profile Velocity and Goal Position (116).

Contiguous in every model; without a current sensor, 102 is reserved. One by one they take four times as long.
"""

_TIME_BASED = 0b100  # Drive Mode (10)


class ControlLoop:
    """One sample of the firmware's loops; in counts of Present Position and rad/s, in the configured direction."""

    def __init__(self, motor: MotorConfig, memory: Memory) -> None:
        self._memory = memory
        self._has_current = memory.has("goal_current")
        self._goals_address = memory.table["goal_pwm"].address
        self._motor_constant = motor.nominal.voltage / motor.nominal.no_load_speed
        # Winding current per unit of Goal Current; models without that register have no mode that uses it.
        self._winding_amperes = motor.effort_unit / self._motor_constant
        self._torque_per_pwm = motor.nominal.stall_torque / PWM_FULL  # at the nominal voltage
        self._counts_per_radian = motor.counts_per_revolution / (2.0 * pi)
        self._velocity_unit = motor.velocity_unit
        self.profile = XSeriesProfile()
        self.velocity_target = 0.0
        """Target of velocity mode along its trajectory, in velocity units."""
        self.mode = POSITION
        self._integral = 0.0
        self._error = 0.0
        self.load_gains()
        self.load_goals()

    def load_gains(self) -> None:
        """Load everything except the goals from the registers."""
        get = self._memory.get
        self.mode = get("operating_mode")
        self._position_p = get("position_p_gain") * P_UNIT
        self._position_i = get("position_i_gain") * I_UNIT
        self._position_d = get("position_d_gain") * D_UNIT
        self._velocity_p = get("velocity_p_gain") / 128.0
        self._velocity_i = get("velocity_i_gain") / 65536.0
        self._feedforward_1 = get("feedforward_1st_gain") / 4.0
        self._feedforward_2 = get("feedforward_2nd_gain") / 4.0
        self._acceleration = float(get("profile_acceleration"))
        self._profile_velocity = float(get("profile_velocity"))
        self._time_based = bool(get("drive_mode") & _TIME_BASED)

    def load_goals(self) -> None:
        """Load the goals from the registers."""
        pwm, current, velocity, _, _, position = _GOALS.unpack_from(self._memory.bytes, self._goals_address)
        self._goal_pwm, self._limit = float(pwm), abs(float(pwm)) / PWM_FULL
        self._goal_current = float(current) if self._has_current else 0.0
        self._goal_velocity = float(velocity)
        goal = float(position)
        if self._time_based:
            if goal != self.profile.goal:
                self.profile.aim_in_time(goal, self._profile_velocity * 1e-3, self._acceleration * 1e-3)
            return
        counts = self._counts_per_radian
        self.profile.aim(
            goal,
            self._profile_velocity * self._velocity_unit * counts,
            self._acceleration * _PROFILE_ACCELERATION * counts,
        )

    def latch(self, position: float, velocity: float) -> None:
        """Start from the motor's present position (counts) and velocity (rad/s), as when torque is switched on."""
        self.profile.hold(position)
        self.velocity_target = velocity / self._velocity_unit
        self._integral = 0.0
        self._error = 0.0

    @property
    def gains(self) -> tuple[float, float]:
        """Stiffness, N·m/rad, and damping beyond that of the back-EMF, N·m·s/rad, at the nominal voltage."""
        full = self._torque_per_pwm * self._counts_per_radian
        return full * self._position_p, full * self._position_d / LOOP_HZ

    @property
    def trajectory_velocity(self) -> float:
        """Velocity of the present trajectory, in velocity units."""
        if self.mode == VELOCITY:
            return self.velocity_target
        return self.profile.velocity / (self._counts_per_radian * self._velocity_unit)

    def duty(self, position: float, velocity: float, spin: float, resistance: float, supply: float, dt: float) -> float:
        """Return the bridge voltage as a share of the supply, -1 to 1.

        Args:
            position: Position from the encoder, counts.
            velocity: Velocity from the encoder, rad/s.
            spin: True velocity, which determines the back-EMF, rad/s.
            resistance: Winding resistance, Ω.
            supply: Supply voltage, V.
            dt: Time since the last call, s.
        """
        mode = self.mode
        limit = self._limit
        if mode == CURRENT:
            # The current loop is much faster than the mechanics, so it is modelled as ideal.
            volts = self._motor_constant * spin + resistance * self._winding_amperes * self._goal_current
            return min(max(volts / supply, -limit), limit)
        if mode == PWM:
            return self._goal_pwm / PWM_FULL
        if mode == VELOCITY:
            return min(max(self._velocity_loop(velocity, limit, dt), -limit), limit)
        # Comparisons instead of min and max: a third of the time, and the same bits.
        duty = self._position_loop(position, limit, dt)
        duty = -limit if duty < -limit else limit if duty > limit else duty
        if mode == CURRENT_POSITION:
            back_emf = self._motor_constant * spin
            room = resistance * self._winding_amperes * abs(self._goal_current)
            low, high = (back_emf - room) / supply, (back_emf + room) / supply
            return low if duty < low else high if duty > high else duty
        return duty

    def _velocity_loop(self, velocity: float, limit: float, dt: float) -> float:
        step = self._acceleration * _PROFILE_ACCELERATION / self._velocity_unit * dt
        wanted = self._goal_velocity - self.velocity_target
        self.velocity_target += wanted if step == 0.0 else min(max(wanted, -step), step)
        error = self.velocity_target - velocity / self._velocity_unit
        self._integrate(self._velocity_i, error, limit, dt)
        return (self._velocity_p * error + self._integral) / PWM_FULL

    def _position_loop(self, position: float, limit: float, dt: float) -> float:
        profile = self.profile
        before = profile.velocity
        if before != 0.0 or profile.position != profile.goal:
            profile.step(dt)
        error = profile.position - position
        self._integrate(self._position_i, error, limit, dt)
        pwm = self._position_p * error + self._integral
        pwm += self._position_d * (error - self._error) / (dt * LOOP_HZ)
        self._error = error
        if self._feedforward_1 or self._feedforward_2:
            # In units of the trajectory registers: an assumption, the e-Manual gives only the gain scale (1/4).
            units = profile.velocity / (self._counts_per_radian * self._velocity_unit)
            acceleration = (profile.velocity - before) / dt / (self._counts_per_radian * _PROFILE_ACCELERATION)
            pwm += self._feedforward_1 * units + self._feedforward_2 * acceleration
        return pwm / PWM_FULL

    def _integrate(self, gain: float, error: float, limit: float, dt: float) -> None:
        """Integrate in PWM units, clipped to the limit of the bridge output."""
        bound = limit * PWM_FULL
        value = self._integral + gain * error * dt * LOOP_HZ
        self._integral = -bound if value < -bound else bound if value > bound else value
