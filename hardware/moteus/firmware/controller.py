"""The firmware of one emulated moteus controller: modes, watchdog, faults and impedance control.

Pure: time is an argument in integer nanoseconds; the emulated robot models shaft and winding. Source, unless a comment
says otherwise: moteus documentation and firmware (bldc_servo_control.h, bldc_servo_structs.h). Not emulated: modes that
set voltages or measure inductance, the integral term (its default limit is 0), derating by temperature or power.
"""

from collections.abc import Mapping
from math import floor, inf, isnan, tau

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.clock import ns_from_s
from sim2real.hardware.firmware.motor import MotorGoal, Shaft
from sim2real.hardware.moteus.firmware.console import Settings
from sim2real.hardware.moteus.firmware.control import INITIAL, WATCHED, Control
from sim2real.hardware.moteus.schema import registers_of
from sim2real.hardware.moteus.tables import Fault, Mode

BOOT_NS = 100_000_000
"""Time without replies after power-up; an assumption, not documented."""

ENABLING_NS = 10_000_000
"""Time to enable the bridge and measure current offsets when a stopped controller starts a mode; an assumption."""

DEFAULT_TIMEOUT_S = 0.1  # servo.default_timeout_s
SUPPORTED = frozenset(
    (Mode.STOPPED, Mode.CURRENT, Mode.POSITION, Mode.TIMEOUT, Mode.ZERO_VELOCITY, Mode.STAY_WITHIN, Mode.BRAKE)
)
"""Modes that the emulation supports."""

_ENABLING = (Mode.ENABLING, Mode.CALIBRATING, Mode.CALIBRATION_COMPLETE)
_NEVER = 1 << 62


class MoteusMotor:
    """One controller; implements `EmulatedMotor`. Saved settings last as long as the object, all else until a boot.

    Attributes:
        settings: Configuration.
        control: Control law, with the registers of the last command.
        mode: Register 0x000.
        fault: Present `Fault`.
        home_state: Register 0x00c.
        now_ns: Time of the last update, ns.
        booted_ns: End of the boot, ns.
    """

    def __init__(self, config: MotorConfig, motor_id: int, baudrate: int) -> None:
        registers = registers_of(config)
        self.config = config
        self.registers = registers
        self.id = motor_id
        self.baudrate = baudrate
        self.shaft = Shaft()
        self.silent = False
        self.goal_writes = 0
        self.home_state = 1
        self.settings = Settings(motor_id, registers.kp, registers.kd)
        self.control = Control(registers.kp, registers.kd, config.torque_constant)
        self.mode = Mode.STOPPED
        self.fault = int(Fault.NONE)
        self.now_ns = 0
        self.booted_ns = 0
        self._wanted = Mode.STOPPED
        self._enabled_ns = 0
        self._deadline_ns = _NEVER
        self._offset = 0.0  # rev
        self._sign, self._output_offset = 1.0, 0.0
        self._stuck: float | None = None
        self._motor_constant = config.nominal.voltage / config.nominal.no_load_speed

    # Power

    def boot(self, now_ns: int, boot_ns: int = BOOT_NS) -> None:
        """Restart as at power-up; the turns of the output are reset."""
        self.booted_ns = now_ns + boot_ns
        self.now_ns = now_ns
        self.home_state = 1
        self._stop()
        self.control.command = dict(INITIAL)
        self.settings.boot()
        self.commit()
        self._offset = floor(self._mounted(self.shaft.angle) + 0.5)

    def saved(self) -> dict[str, float]:
        """Return the persistent settings, by name."""
        return self.settings.saved()

    def restore(self, saved: Mapping[str, float]) -> None:
        """Restore saved settings; they take effect at the next boot. Raises ValueError if one is invalid."""
        self.settings.restore(saved)

    def commit(self) -> None:
        """Apply a changed configuration; called after the reply."""
        values, control = self.settings.values, self.control
        self.id = int(values["id.id"])
        control.kp, control.kd = values["servo.pid_position.kp"], values["servo.pid_position.kd"]
        self._sign, self._output_offset = (values[f"motor_position.output.{name}"] for name in ("sign", "offset"))
        control.position_min, control.position_max = values["servopos.position_min"], values["servopos.position_max"]

    def listens(self, now_ns: int) -> bool:
        """Return whether the controller receives frames now: it has booted and is not silent."""
        if self.silent or now_ns < self.booted_ns:
            return False
        self._catch_up(now_ns)
        return True

    # State

    @property
    def torque_enabled(self) -> bool:
        """Whether the bridge is on."""
        return self.mode not in (Mode.STOPPED, Mode.FAULT)

    @property
    def driven(self) -> bool:
        """Whether it follows a command: not stopped, not enabling and not timed out."""
        return self.torque_enabled and self.mode != Mode.TIMEOUT and self.mode not in _ENABLING

    @property
    def watchdog_tripped(self) -> bool:
        """Whether commands timed out; latched until a stop."""
        return self.mode == Mode.TIMEOUT

    @property
    def faults(self) -> int:
        """The fault register; 0 if there is none."""
        return self.fault

    @property
    def temperature_limit(self) -> float:
        """servo.fault_temperature, °C."""
        return self.config.temperature_max

    @property
    def goal(self) -> MotorGoal:
        """What its registers tell it to do now."""
        control, command = self.control, self.control.command
        stiffness = control.kp * command["kp_scale"] / tau if self.mode in WATCHED else 0.0
        damping = control.kd * command["kd_scale"] / tau
        feedforward = command["feedforward_torque"] if self.mode in WATCHED else 0.0
        target, limit = command["command_position"], command["maximum_torque"]
        position = None
        if self.mode == Mode.POSITION and not isnan(target):
            position = self._sign * (target + self._offset - self._output_offset) * tau
        return MotorGoal(position, self._sign * feedforward, stiffness, damping, inf if isnan(limit) else abs(limit))

    def renumber(self, motor_id: int) -> None:
        """Change its id at once: a fault."""
        self.settings.values["id.id"] = motor_id
        self.commit()

    @property
    def position(self) -> float:
        """Measured position, rev."""
        return self._sensed(self.shaft.angle)

    @property
    def velocity(self) -> float:
        """Measured velocity, rev/s."""
        return 0.0 if self._stuck is not None else self._sign * self.shaft.velocity / tau

    @property
    def torque(self) -> float:
        """Measured torque, N·m."""
        return self._sign * self.shaft.torque

    def report(self, now_ns: int) -> dict[str, int | float]:
        """Return the registers that are needed to check a run, by name."""
        return {
            "id": self.id,
            "mode": int(self.mode),
            "fault": self.fault,
            "position": self.position,
        }

    # Commands

    def execute(self, mode: Mode, command: dict[str, float], now_ns: int) -> None:
        """Execute a command: a mode, and its command registers."""
        self.control.command = command
        self._wanted = mode
        if mode == Mode.STOPPED:
            self._stop()
            return
        self.goal_writes += 1
        timeout = command["timeout"]
        self._deadline_ns = _NEVER if isnan(timeout) else now_ns + ns_from_s(timeout or DEFAULT_TIMEOUT_S)
        self._change_mode(mode, now_ns)
        if self.mode == Mode.POSITION:
            self._aim()

    def set_output(self, position: float, exact: bool) -> None:
        """Define the present position, rev: exactly, or to the nearest whole turn. NaN does nothing."""
        if isnan(position):
            return
        error = self.position - position
        self._offset += error if exact else floor(error + 0.5)
        self.home_state = 2
        self.control.trajectory.clear()

    # Time

    def step(self, now_ns: int, angle: float, velocity: float, resistance: float, supply: float, dt: float) -> float:
        """Advance the control loops by one step; return the duty cycle of the bridge. Called while torque is on.

        Args:
            now_ns: Time at the end of the step, ns.
            angle: Angle of the output shaft, rad.
            velocity: Velocity of the output shaft, rad/s.
            resistance: Winding resistance, Ω.
            supply: Supply voltage, V.
            dt: Duration of the step, s.
        """
        self._catch_up(now_ns)
        if self.mode == Mode.BRAKE:
            return 0.0  # all phases to ground
        sensed = 0.0 if self._stuck is not None else self._sign * velocity / tau
        torque = self._sign * self.control.torque(self.mode, self._sensed(angle), sensed, dt)
        # The current loop is much faster than the mechanics, so it is ideal here. Torque 0 leaves the rotor free.
        duty = (self._motor_constant * velocity + resistance * torque / self._motor_constant) / supply
        if not -1.0 <= duty <= 1.0:
            self.control.limit = Fault.LIMIT_VOLTAGE
        return duty

    def check_health(self, elapsed_s: float) -> None:
        """Check the sensor values; a fault switches torque off and is latched until a stop."""
        if self.mode in (Mode.STOPPED, Mode.FAULT):
            return
        low, high = self.config.voltage_range
        if not self.shaft.voltage <= high:
            self.raise_fault(Fault.OVER_VOLTAGE)
        elif not self.shaft.voltage >= low:
            self.raise_fault(Fault.UNDER_VOLTAGE)
        elif not self.shaft.temperature <= self.temperature_limit:
            self.raise_fault(Fault.OVER_TEMPERATURE)

    def raise_fault(self, fault: Fault) -> None:
        """Switch torque off and set the fault."""
        self._stop()
        self.mode, self.fault = Mode.FAULT, int(fault)

    def freeze_encoder(self) -> None:
        """Freeze the encoder reading at its present value: a fault."""
        self._stuck = self.position

    def release_encoder(self) -> None:
        """End the fault of `freeze_encoder`."""
        self._stuck = None

    def overload(self) -> None:
        """Report a fault of the bridge, like an over-current."""
        self.raise_fault(Fault.MOTOR_DRIVER)

    # Internals

    def _sensed(self, angle: float) -> float:
        return self._stuck if self._stuck is not None else self._mounted(angle) - self._offset

    def _mounted(self, angle: float) -> float:
        """Return the position at an angle of the shaft (rad) with the configured sign and offset, rev."""
        return self._sign * angle / tau + self._output_offset

    def _stop(self) -> None:
        self.mode, self.fault = Mode.STOPPED, int(Fault.NONE)
        self._wanted = Mode.STOPPED
        self._deadline_ns = _NEVER
        self.control.clear()

    def _change_mode(self, mode: Mode, now_ns: int) -> None:
        """Start the change to a mode; only a stop leaves fault and time-out."""
        if self.mode == mode or self.mode in (Mode.FAULT, Mode.TIMEOUT):
            return
        if self.mode == Mode.STOPPED:
            self.mode, self._enabled_ns = Mode.ENABLING, now_ns + ENABLING_NS
        elif self.mode not in _ENABLING:
            self._enter(mode)

    def _enter(self, mode: Mode) -> None:
        if mode in WATCHED and self.control.outside(self.position):
            self.raise_fault(Fault.OUTSIDE_LIMIT)
            return
        self.mode = mode
        self.control.trajectory.clear()

    def _catch_up(self, now_ns: int) -> None:
        """Advance to a time: enabling ends, the watchdog expires."""
        self.now_ns = now_ns
        if self.mode in _ENABLING and now_ns >= self._enabled_ns:
            self._enter(self._wanted)
            if self.mode == Mode.POSITION:
                self._aim()
        if self.mode in WATCHED and now_ns > self._deadline_ns:
            self.mode = Mode.TIMEOUT
            self.control.trajectory.clear()

    def _aim(self) -> None:
        if not self.control.aim(self.position):
            self.raise_fault(Fault.STOP_POSITION_DEPRECATED)
