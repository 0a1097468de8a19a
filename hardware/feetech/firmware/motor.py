"""The firmware of one emulated STS motor: registers, effects of writes, control and faults.

Pure: time is an argument in integer nanoseconds; the emulated robot models shaft and winding. Source, unless a comment
says otherwise: Feetech's STS3215 memory table and STS manual.
"""

from collections.abc import Mapping
from math import pi

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.feetech.firmware.control import POSITION, STEP, ControlLoop
from sim2real.hardware.feetech.firmware.encoder import StsEncoder
from sim2real.hardware.feetech.firmware.health import Health
from sim2real.hardware.feetech.firmware.memory import Memory
from sim2real.hardware.feetech.gains import DUTY_FULL
from sim2real.hardware.feetech.schema import registers_of
from sim2real.hardware.feetech.tables import (
    BAUD_CODES,
    BAUDRATES,
    COARSE_STEPS,
    TORQUE_CENTRE,
    TORQUE_DAMPED,
    TORQUE_ON,
    sts_table,
)
from sim2real.hardware.firmware.motor import MotorGoal, Shaft

BOOT_NS = 100_000_000
"""Time without replies after power-up or reboot: an assumption."""

_RETURN_DELAY_UNIT_NS = 2_000
_READINGS_FROM = 56
_CENTRE = 2048
_OFFSET_MAX = 2047
_REPORTED = ("id", "operating_mode", "torque_enable", "torque_limit", "status", "goal_position", "present_position")
_GOALS = ("acceleration", "goal_position", "goal_time", "goal_velocity")


class StsMotor:
    """One motor; implements `EmulatedMotor`. EEPROM lasts as long as the object, RAM until the next boot."""

    watchdog_tripped = False
    """The family has no watchdog."""

    def __init__(self, config: MotorConfig, motor_id: int, baudrate: int) -> None:
        self.config = config
        self.memory = Memory(sts_table(config))
        self.memory.set("id", motor_id)
        self.memory.set("baud_rate", BAUD_CODES[baudrate])
        self.shaft = Shaft()
        self.encoder = StsEncoder(config.counts_per_revolution, self.memory)
        self.health = Health(config, self.memory)
        self.loop = ControlLoop(config, self.memory)
        self._steps_per_radian = config.counts_per_revolution / (2.0 * pi)
        self._current_unit = registers_of(config).current_unit
        self.silent = False
        """If True, it neither receives nor replies: a fault of its data line."""
        self.goal_writes = 0
        self.torque_enabled = False
        self.pending: tuple[int, bytes] | None = None
        """The registered write, which waits for Action."""
        self._duty = 0.0
        self._boot_end_ns = 0
        self.commit()

    # Power

    def boot(self, now_ns: int, boot_ns: int = BOOT_NS) -> None:
        """Restart as at power-up or reboot: RAM reset, torque off, alarms cleared; it answers after `boot_ns`."""
        self.memory.power_up()
        self.pending = None
        self._boot_end_ns = now_ns + boot_ns
        self._torque_off()
        self.commit()
        self.encoder.load()
        self.encoder.forget_turns(self.shaft.angle)
        self._latch()

    def saved(self) -> dict[str, float]:
        """Return the persistent settings, by name."""
        return self.memory.saved()

    def restore(self, saved: Mapping[str, float]) -> None:
        """Restore saved settings; they take effect at the next boot. Raises ValueError if one is invalid."""
        self.memory.restore(saved)

    def commit(self) -> None:
        """Apply a changed id, baud rate and return delay; called after the reply."""
        self.id = self.memory.get("id")
        self.baudrate = BAUDRATES[self.memory.get("baud_rate")]
        self.return_delay_ns = self.memory.get("return_delay_time") * _RETURN_DELAY_UNIT_NS

    def listens(self, now_ns: int) -> bool:
        """Return whether the motor receives instructions now: it has booted and is not silent."""
        return not self.silent and now_ns >= self._boot_end_ns

    @property
    def answers_all(self) -> bool:
        """Whether it also answers other instructions than reads and pings: Response Status Level (8)."""
        return self.memory.get("response_status_level") != 0

    @property
    def driven(self) -> bool:
        """Whether the motor follows a goal."""
        return self.torque_enabled

    # Time

    def step(self, now_ns: int, angle: float, velocity: float, resistance: float, supply: float, dt: float) -> float:
        """Advance the control loops by one step; return the duty cycle of the bridge. Called while torque is on."""
        sign = -1.0 if self.encoder.reversed else 1.0
        sensed = 0.0 if self.encoder.stuck else sign * velocity * self._steps_per_radian
        self._duty = sign * self.loop.duty(self.encoder.position(angle), sensed, dt)
        return self._duty

    def check_health(self, elapsed_s: float) -> None:
        """Check the sensor values; an alarm enabled in Unloading Condition (19) switches torque off or reduces it."""
        shaft = self.shaft
        self.health.check(shaft.temperature, shaft.voltage, self._duty, self._amperes(), elapsed_s)
        self.loop.duty_limit = self.health.duty_limit
        if self.health.unloaded and self.torque_enabled:
            self.memory.set("torque_enable", 0)
            self.torque_enabled = False
            self._duty = 0.0

    def freeze_encoder(self) -> None:
        """Freeze the encoder reading at its present value: a fault."""
        self.encoder.freeze(self.shaft.angle)

    def release_encoder(self) -> None:
        """End the fault of `freeze_encoder`."""
        self.encoder.release()

    def overload(self) -> None:
        """Report an overload, which reduces torque until it is switched off: a fault."""
        self.health.overload()
        self.check_health(0.0)

    # Registers

    @property
    def faults(self) -> int:
        """Status (65)."""
        return int(self.health.status)

    @property
    def temperature_limit(self) -> float:
        """Maximum Temperature Limit (13), °C."""
        return float(self.memory.get("max_temperature_limit"))

    def report(self, now_ns: int) -> dict[str, int | float]:
        """Return the registers that are needed to check a run, by name."""
        return {name: self.read_register(name, now_ns) for name in _REPORTED}

    def read_register(self, name: str, now_ns: int = 0) -> int:
        """Return the present value of a register; for tests and reports."""
        self._refresh()
        return self.memory.get(name)

    def write_register(self, name: str, value: int, now_ns: int = 0) -> None:
        """Write a register by name with the access rules."""
        register = self.memory.table[name]
        self.write(register.address, register.encode(value))

    def read(self, address: int, length: int) -> bytes:
        """Return the bytes of a block."""
        if address + length > _READINGS_FROM:
            self._refresh()
        return self.memory.read(address, length)

    def write(self, address: int, data: bytes) -> None:
        """Write a block as an instruction does."""
        before = self.memory.get("torque_enable")
        written = [register.name for register in self.memory.write(address, data)]
        if any(name not in _GOALS for name in written):
            self._apply_settings(written, before)
        if not written:
            return
        self.loop.load_goals()
        if "goal_position" in written:
            self.goal_writes += 1
            self.loop.aim(self.memory.get("goal_position"))

    @property
    def goal(self) -> MotorGoal:
        """What its registers tell it to do now."""
        stiffness, damping = self.loop.gains
        limit = self.memory.get("torque_limit") / DUTY_FULL * self.config.nominal.stall_torque
        position = None
        if self.loop.mode == POSITION:  # the loop goes by the difference to the reading, which may have wrapped
            ahead = (self.loop.profile.goal - self.encoder.position(self.shaft.angle)) / self._steps_per_radian
            position = self.shaft.angle + (-ahead if self.encoder.reversed else ahead)
        return MotorGoal(position, 0.0, stiffness, damping, limit)

    def renumber(self, motor_id: int) -> None:
        """Change its id at once: a fault."""
        self.memory.set("id", motor_id)
        self.commit()

    def register_write(self, pending: tuple[int, bytes] | None) -> None:
        """Store a write for Action, or discard it."""
        self.pending = pending
        self.memory.set("registered_write", int(pending is not None))

    def recover(self, now_ns: int) -> None:
        """Set EEPROM to its factory values, except the id (an assumption: not documented), and boot."""
        self.memory.reset_eeprom(keep=("id",))
        self.boot(now_ns)

    def clear_turns(self) -> None:
        """Reset the turn counter."""
        self.encoder.forget_turns(self.shaft.angle)
        self._latch()

    def _apply_settings(self, written: list[str], torque_before: int) -> None:
        before = self.encoder.many_turns
        self.encoder.load()
        if "torque_enable" in written:
            self._set_torque(self.memory.get("torque_enable"), torque_before)
        moved = {"position_offset", "operating_mode"} & set(written) or before != self.encoder.many_turns
        self.loop.load()
        if moved:
            self._latch()

    def _set_torque(self, value: int, before: int) -> None:
        if value == TORQUE_CENTRE:
            offset = self.encoder.actual(self.shaft.angle) % self.encoder.turn - _CENTRE
            self.memory.set("position_offset", min(max(offset, -_OFFSET_MAX), _OFFSET_MAX))
            self.memory.set("torque_enable", before)
            self.encoder.load()
            self._latch()
        elif value in (TORQUE_ON, TORQUE_DAMPED):
            if not self.torque_enabled:
                self._latch()
            self.torque_enabled = True
        elif value == 0:
            self._torque_off()
        else:
            self.memory.set("torque_enable", before)

    def _torque_off(self) -> None:
        self.memory.set("torque_enable", 0)
        self.torque_enabled = False
        self._duty = 0.0
        self.health.reset()
        self.loop.duty_limit = 1.0

    def _latch(self) -> None:
        """Set the goal to the present position, as at torque on. Users report no jump; the manual does not say."""
        position = self.encoder.position(self.shaft.angle)
        self.loop.load()
        if self.loop.mode != STEP:
            self.memory.set("goal_position", min(max(position, -32_766), 32_766))
        self.loop.latch(position, self.shaft.velocity * self._steps_per_radian)
        self.loop.load_goals()

    def _amperes(self) -> float:
        return self.shaft.torque / self.config.torque_constant

    def _refresh(self) -> None:
        """Update the reading registers."""
        put, shaft, profile = self.memory.set, self.shaft, self.loop.profile
        sign = -1.0 if self.encoder.reversed else 1.0
        position = self.encoder.position(shaft.angle)
        steps = 0.0 if self.encoder.stuck else sign * shaft.velocity * self._steps_per_radian
        shown = round(profile.goal) - position if self.loop.mode == STEP else position
        put("present_position", _clip(shown, 0x7FFF))
        put("present_velocity", _clip(round(steps / self.loop.velocity_unit), 0x7FFF))
        put("present_load", _clip(round(sign * self._duty * DUTY_FULL), 0x3FF))
        put("present_voltage", min(255, max(0, round(shaft.voltage * 10.0))))
        put("present_temperature", min(255, max(0, round(shaft.temperature))))
        put("status", int(self.health.status))
        threshold = self.memory.get("moving_threshold") * COARSE_STEPS
        put("moving", int(self.torque_enabled and (profile.running or abs(steps) > threshold)))
        put("target_position", _clip(round(profile.goal), 0x7FFF))
        put("present_current", _clip(round(sign * self._amperes() / self._current_unit), 0x7FFF))


def _clip(value: int, limit: int) -> int:
    return min(max(value, -limit), limit)
