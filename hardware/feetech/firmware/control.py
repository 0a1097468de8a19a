"""The control loops of an STS motor: from goals and gains in firmware units to the duty cycle of the bridge."""

from math import copysign, pi

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.feetech.firmware.memory import Memory
from sim2real.hardware.feetech.gains import D_UNIT, DUTY_FULL, DUTY_MAX, LOOP_HZ, P_UNIT
from sim2real.hardware.feetech.tables import (
    ACCELERATION_STEPS,
    COARSE_STEPS,
    FINE_VELOCITY,
    TORQUE_DAMPED,
    ZERO_IS_FASTEST,
)
from sim2real.hardware.firmware.profile import Profile

POSITION, VELOCITY, PWM, STEP = 0, 1, 2, 3

_I_UNIT = 1.0 / 256.0  # an assumption: the manual gives no unit
# Units of the velocity loop are assumptions, the manual gives none: 0.1 % duty per 50 step/s of error, and a hundredth
# of that per sample.
_VELOCITY_I_UNIT = 0.01


class ControlLoop:
    """One sample of the firmware's loops; in steps of Present Position and step/s."""

    def __init__(self, motor: MotorConfig, memory: Memory) -> None:
        self._memory = memory
        # N·m/rad of one 0.1 % of duty a step, at the nominal voltage.
        self._stiffness_unit = motor.nominal.stall_torque / DUTY_FULL * motor.counts_per_revolution / (2.0 * pi)
        self._fastest = motor.nominal.no_load_speed * motor.counts_per_revolution / (2.0 * pi)
        self.profile = Profile()
        self.velocity_target = 0.0
        """Target of velocity mode along its trajectory, step/s."""
        self.mode = POSITION
        self.duty_limit = 1.0
        self._integral = 0.0
        self._error = 0.0
        self.load()
        self.load_goals()

    @property
    def velocity_unit(self) -> float:
        """Velocity unit, step/s."""
        return 1.0 if self._memory.get("phase") & FINE_VELOCITY else float(COARSE_STEPS)

    @property
    def gains(self) -> tuple[float, float]:
        """Stiffness, N·m/rad, and damping beyond that of the back-EMF, N·m·s/rad; none of the first when it damps."""
        if self._damped or self.mode != POSITION:
            return 0.0, 0.0
        return self._stiffness_unit * self._p, self._stiffness_unit * self._d / LOOP_HZ

    def load(self) -> None:
        """Load everything except the goals from the registers."""
        get = self._memory.get
        self.mode = get("operating_mode")
        self._damped = get("torque_enable") == TORQUE_DAMPED
        self._p = get("position_p_gain") * P_UNIT
        self._i = get("position_i_gain") * _I_UNIT
        self._d = get("position_d_gain") * D_UNIT
        self._dead = (get("cw_dead_zone"), get("ccw_dead_zone"))
        self._startup = get("minimum_startup_force")
        self._velocity_p = get("velocity_p_gain") / COARSE_STEPS
        self._velocity_i = get("velocity_i_gain") / COARSE_STEPS * _VELOCITY_I_UNIT
        self._limit = min(get("torque_limit") / DUTY_FULL, DUTY_MAX)
        self._multi = get("min_position_limit") == get("max_position_limit") == 0
        self._range = (get("min_position_limit"), get("max_position_limit"))

    def load_goals(self) -> None:
        """Load the goals from the registers."""
        get = self._memory.get
        self._pwm = float(get("goal_time"))
        speed = get("goal_velocity") * self.velocity_unit
        self._acceleration = float(get("acceleration") * ACCELERATION_STEPS)
        if speed == 0.0 and get("phase") & ZERO_IS_FASTEST and self.mode != VELOCITY:
            speed = self._fastest
        self._speed = min(max(speed, -self._fastest), self._fastest)
        self.profile.acceleration = self._acceleration
        self.profile.speed = abs(self._speed)
        self._stopped = self.profile.speed == 0.0

    def aim(self, goal: int) -> None:
        """Set a goal position, clipped to the limits except in multi-turn mode; in step mode relative to the last."""
        if self.mode == STEP:
            self.profile.goal += goal
        elif self._multi:
            self.profile.goal = float(goal)
        else:
            self.profile.goal = float(min(max(goal, self._range[0]), self._range[1]))
        duration_s = abs(self._memory.get("goal_time")) * 1e-3
        if self.mode == POSITION and duration_s > 0.0 and self._memory.get("goal_velocity") == 0:
            self.profile.speed = min(abs(self.profile.goal - self.profile.position) / duration_s, self._fastest)
            self._stopped = False

    def latch(self, position: int, velocity: float) -> None:
        """Start from the motor's present position (steps) and velocity (step/s)."""
        self.profile.hold(float(position))
        self.velocity_target = velocity
        self._integral = 0.0
        self._error = 0.0

    def duty(self, position: int, velocity: float, dt: float) -> float:
        """Return the bridge voltage as a share of the supply, -1 to 1.

        Args:
            position: Position from the encoder, steps.
            velocity: Velocity from the encoder, step/s.
            dt: Time since the last call, s.
        """
        limit = min(self._limit, self.duty_limit)
        if self._damped:
            return 0.0  # the bridge shorts the winding, which brakes the motor
        if self.mode == PWM:
            wanted = self._pwm
        elif self.mode == VELOCITY:
            wanted = self._velocity_loop(velocity, limit, dt)
        else:
            wanted = self._position_loop(position, limit, dt)
        return min(max(wanted / DUTY_FULL, -limit), limit)

    def _velocity_loop(self, velocity: float, limit: float, dt: float) -> float:
        step = self._acceleration * dt
        wanted = self._speed - self.velocity_target
        self.velocity_target += wanted if step == 0.0 else min(max(wanted, -step), step)
        error = self.velocity_target - velocity
        self._integrate(self._velocity_i, error, limit, dt)
        return self._velocity_p * error + self._integral

    def _position_loop(self, position: int, limit: float, dt: float) -> float:
        if not self._stopped:
            self.profile.step(dt)
        error = self.profile.position - position
        if -self._dead[1] <= error <= self._dead[0]:
            error = 0.0
        self._integrate(self._i, error, limit, dt)
        wanted = self._p * error + self._integral + self._d * (error - self._error) / (dt * LOOP_HZ)
        self._error = error
        if error != 0.0 and abs(wanted) < self._startup:
            return copysign(self._startup, wanted)
        return wanted

    def _integrate(self, gain: float, error: float, limit: float, dt: float) -> None:
        """Integrate in duty units, clipped to the limit of the bridge output."""
        bound = limit * DUTY_FULL
        self._integral = min(max(self._integral + gain * error * dt * LOOP_HZ, -bound), bound)
