"""The firmware of one emulated X-series motor: registers, effects of writes, control and faults.

Pure: time is an argument in integer nanoseconds; the emulated robot models shaft and winding. Source, unless a comment
says otherwise: ROBOTIS e-Manual, DYNAMIXEL Protocol 2.0 and XM430-W350.
"""

from collections.abc import Mapping

from sim2real.configs.schema.motor import MotorConfig
from sim2real.hardware.dynamixel.firmware.control import CURRENT, POSITION, POSITION_MODES, ControlLoop
from sim2real.hardware.dynamixel.firmware.goals import Goals
from sim2real.hardware.dynamixel.firmware.health import HardwareErrorBit, Health
from sim2real.hardware.dynamixel.firmware.memory import Change, Memory
from sim2real.hardware.dynamixel.firmware.mounting import load_mounting
from sim2real.hardware.dynamixel.firmware.readings import Readings
from sim2real.hardware.dynamixel.firmware.watchdog import BusWatchdog
from sim2real.hardware.dynamixel.frame import ALERT, StatusError
from sim2real.hardware.dynamixel.schema import registers_of
from sim2real.hardware.dynamixel.tables import BAUD_CODES, BAUDRATES, x_series_table
from sim2real.hardware.firmware.encoder import Encoder
from sim2real.hardware.firmware.motor import MotorGoal, Shaft

BOOT_NS = 100_000_000
"""Time without replies after power-up or reboot; an assumption, the e-Manual gives no figure."""

_RETURN_DELAY_UNIT_NS = 2_000
_GOALS_FROM, _GOALS_TO = 100, 120
_READINGS_FROM = 69
_TORQUE_BY_GOAL = 0b1000  # Drive Mode (10)
_RAM_FROM_BACKUP = 0b10  # Startup Configuration (60)
_REPORTED = ("id", "operating_mode", "torque_enable", "bus_watchdog", "hardware_error_status", "present_position")


class XSeriesMotor:
    """One motor; implements `EmulatedMotor`. EEPROM lasts as long as the object, RAM until the next boot."""

    def __init__(self, config: MotorConfig, motor_id: int, baudrate: int) -> None:
        self.config = config
        self.memory = Memory(x_series_table(config), registers_of(config).operating_modes)
        self.memory.set("id", motor_id)
        self.memory.set("baud_rate", BAUD_CODES[baudrate])
        self.shaft = Shaft()
        self.encoder = Encoder(config.counts_per_revolution)
        self.health = Health(config, self.memory)
        self.loop = ControlLoop(config, self.memory)
        self._goals = Goals(config, self.memory, self.shaft, self.encoder, self.loop)
        self._watchdog = BusWatchdog()
        self._readings = Readings(config, self.memory, self.shaft, self.encoder, self.loop)
        self.silent = False
        """If True, it neither receives nor replies: a fault of its data line."""
        self.goal_writes = 0
        self.torque_enabled = False
        self.pending: list[Change] | None = None
        """The registered write, which waits for Action."""
        self._duty = 0.0
        table = self.memory.table
        self._settings = slice(table["id"].address, table["secondary_id"].end)
        self._committed = bytearray()
        self._boot_end_ns = 0
        self.commit()

    # Power

    def boot(self, now_ns: int, boot_ns: int = BOOT_NS) -> None:
        """Restart as at power-up or reboot: RAM reset, torque off, errors cleared; it answers after `boot_ns`."""
        self.memory.reset_ram()
        self.health.reset()
        self.pending = None
        self._watchdog.reset()
        self._boot_end_ns = now_ns + boot_ns
        self._torque_off()
        self.commit()
        load_mounting(self.memory, self.encoder, self.shaft.angle)
        self.encoder.forget_turns(self.shaft.angle)
        self._goals.reset()
        if self.memory.get("startup_configuration") & _RAM_FROM_BACKUP:
            self.memory.ram_from_backup()
        self.loop.load_gains()
        if self.memory.get("startup_configuration") & 1:
            self._torque_on(now_ns)

    def saved(self) -> dict[str, float]:
        """Return the persistent settings, by name."""
        return self.memory.saved()

    def restore(self, saved: Mapping[str, float]) -> None:
        """Restore saved settings; they take effect at the next boot. Raises ValueError if one is invalid."""
        self.memory.restore(saved)

    def commit(self) -> None:
        """Apply a changed id, baud rate and return delay; called after the reply."""
        settings = self.memory.bytes[self._settings]
        if settings == self._committed:
            return
        self._committed = settings
        self.id = self.memory.get("id")
        self.secondary_id = self.memory.get("secondary_id")
        self.baudrate = BAUDRATES[self.memory.get("baud_rate")]
        self.return_delay_ns = self.memory.get("return_delay_time") * _RETURN_DELAY_UNIT_NS

    def listens(self, now_ns: int) -> bool:
        """Return whether the motor receives instructions now: it has booted and is not silent."""
        return not self.silent and now_ns >= self._boot_end_ns

    # Time

    def feed_watchdog(self, now_ns: int) -> None:
        """Restart the bus watchdog: an instruction to any motor was on the bus."""
        self._watchdog.feed(now_ns, torque=self.torque_enabled)

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
        if now_ns > self._watchdog.deadline_ns:
            self._trip_watchdog(angle)
        loop, encoder = self.loop, self.encoder
        counts, sensed = 0.0, velocity
        if loop.mode != CURRENT:
            counts = float(encoder.counts(angle))
            sensed = 0.0 if encoder.stuck else velocity
        if encoder.reversed:
            self._duty = -loop.duty(counts, -sensed, -velocity, resistance, supply, dt)
        else:
            self._duty = loop.duty(counts, sensed, velocity, resistance, supply, dt)
        return self._duty

    def check_health(self, elapsed_s: float) -> None:
        """Check the sensor values; an error that is enabled in Shutdown (63) switches torque off."""
        shaft = self.shaft
        if self.health.check(shaft.temperature, shaft.voltage, self._duty, shaft.velocity, elapsed_s):
            self._torque_off()

    def raise_error(self, bit: HardwareErrorBit) -> None:
        """Report a hardware error that stays until a reboot: a fault."""
        self.health.raise_error(bit)
        self.check_health(0.0)

    def freeze_encoder(self) -> None:
        """Freeze the encoder reading at its present value: a fault."""
        self.encoder.freeze(self.shaft.angle)

    def release_encoder(self) -> None:
        """End the fault of `freeze_encoder`."""
        self.encoder.release()

    def overload(self) -> None:
        """Report an overload that stays until a reboot: a fault."""
        self.raise_error(HardwareErrorBit.OVERLOAD)

    # Registers

    @property
    def faults(self) -> int:
        """Hardware Error Status (70)."""
        return int(self.health.status)

    @property
    def temperature_limit(self) -> float:
        """Temperature Limit (31), °C."""
        return float(self.memory.get("temperature_limit"))

    def report(self, now_ns: int) -> dict[str, int | float]:
        """Return the registers that are needed to check a run, by name."""
        return {name: self.read_register(name, now_ns) for name in _REPORTED}

    @property
    def alert(self) -> int:
        """ALERT bit of the error byte; set while Hardware Error Status (70) is not zero."""
        return ALERT if self.health.status else 0

    @property
    def driven(self) -> bool:
        """Whether the motor drives its shaft: torque is on, unless its watchdog stopped it outside position modes."""
        return self.torque_enabled and not (self.watchdog_tripped and self.loop.mode not in POSITION_MODES)

    @property
    def watchdog_tripped(self) -> bool:
        """Whether the bus watchdog has stopped the motor."""
        return self._watchdog.tripped

    @property
    def goal(self) -> MotorGoal:
        """What its registers tell it to do now."""
        return self._goals.present()

    def renumber(self, motor_id: int) -> None:
        """Change its id at once: a fault."""
        self.memory.set("id", motor_id)
        self.commit()

    def read_register(self, name: str, now_ns: int = 0) -> int:
        """Return the present value of a register, without access rules; for tests and reports."""
        self._readings.refresh(self.health.status, self._duty, max(0, now_ns - self._boot_end_ns))
        return self.memory.get(name)

    def write_register(self, name: str, value: int, now_ns: int = 0) -> StatusError | None:
        """Write a register by name with the access rules; return the error, None on success."""
        register = self.memory.table[name]
        return self.write(register.address, register.encode(value), now_ns)

    def read(self, address: int, length: int, now_ns: int) -> bytes | StatusError:
        """Return the bytes of a block, or an error."""
        # Indirect data, at higher addresses, may point to the readings.
        if address + length > _READINGS_FROM:
            self._readings.refresh(self.health.status, self._duty, max(0, now_ns - self._boot_end_ns))
        return self.memory.read(address, length)

    def check_write(self, address: int, data: bytes) -> list[Change] | StatusError:
        """Return the changes of a write, or the error if it is refused."""
        changes = self.memory.check(address, data, self.watchdog_tripped)
        if not isinstance(changes, list) or not self.health.shut_down:
            return changes
        # Torque stays off until a reboot; the e-Manual does not say which error is returned.
        wants_torque = any(register.name == "torque_enable" and value for register, value in changes)
        return StatusError.RESULT_FAIL if wants_torque else changes

    def write(self, address: int, data: bytes, now_ns: int) -> StatusError | None:
        """Write a block completely or not at all, as an instruction does; return the error, None on success."""
        changes = self.check_write(address, data)
        if not isinstance(changes, list):
            return changes
        self.execute(changes, now_ns)
        return None

    def execute(self, changes: list[Change], now_ns: int) -> None:
        """Execute checked changes with their effects."""
        goals = False
        for register, _ in changes:
            goals = goals or _GOALS_FROM <= register.address < _GOALS_TO
        by_goal = goals and self.memory.get("drive_mode") & _TORQUE_BY_GOAL
        if by_goal and not self.torque_enabled and not self.health.shut_down:
            self._torque_on(now_ns)
        if not (goals and len(changes) == 1):
            self._before(changes)
        self.memory.apply(changes)
        for register, value in changes:
            self._after(register.name, value, now_ns)
        if not goals or len(changes) > 1 or changes[0][0].name.startswith("profile"):
            load_mounting(self.memory, self.encoder, self.shaft.angle)
            self.loop.load_gains()
        if goals:
            self.goal_writes += 1
            self.loop.load_goals()

    def clear_turns(self) -> bool:
        """Reset Present Position to one turn (Clear, 0x01); return False while the motor moves."""
        if abs(self.shaft.velocity) / self.config.velocity_unit > self.memory.get("moving_threshold"):
            return False
        self.encoder.forget_turns(self.shaft.angle)
        self._goals.latch()
        return True

    def factory_reset(self, keep: tuple[str, ...], now_ns: int) -> None:
        """Set EEPROM to its factory values, except the registers in `keep`, and boot."""
        self.memory.reset_eeprom(keep)
        self.boot(now_ns)

    def store_backup(self) -> bool:
        """Store EEPROM, gains, profile and indirect addresses in the backup area; False while torque is on."""
        if not self.torque_enabled:
            self.memory.store_backup()
        return not self.torque_enabled

    def restore_backup(self, now_ns: int) -> bool:
        """Set EEPROM to the backup, and boot; False while torque is on, or without a backup."""
        if self.torque_enabled or not self.memory.eeprom_from_backup():
            return False
        self.boot(now_ns)
        return True

    def register_write(self, changes: list[Change] | None) -> None:
        """Store changes for Action, or discard them."""
        self.pending = changes
        self.memory.set("registered_instruction", int(changes is not None))

    def _before(self, changes: list[Change]) -> None:
        """Reset gains and profile if the operating mode changes."""
        for register, value in changes:
            if register.name == "operating_mode" and value != self.memory.get("operating_mode"):
                self._goals.forget_gains()

    def _after(self, name: str, value: int, now_ns: int) -> None:
        if name == "torque_enable":
            if value and not self.torque_enabled:
                self._torque_on(now_ns)
            elif not value:
                self._torque_off()
        elif name == "bus_watchdog":
            self._watchdog.set(value, now_ns, torque=self.torque_enabled)
        elif name == "operating_mode":
            if value == POSITION:
                self.encoder.forget_turns(self.shaft.angle)
            self._goals.reset()

    def _torque_on(self, now_ns: int) -> None:
        self.memory.set("torque_enable", 1)
        self.torque_enabled = True
        self.loop.load_gains()
        if self.loop.mode == POSITION:
            self.encoder.forget_turns(self.shaft.angle)
        self._goals.begin()
        self._watchdog.restart(now_ns, torque=True)

    def _torque_off(self) -> None:
        self.memory.set("torque_enable", 0)
        self.torque_enabled = False
        self._duty = 0.0
        self._watchdog.rest()

    def _trip_watchdog(self, angle: float) -> None:
        self._watchdog.trip()
        self.shaft.angle = angle
        self.memory.set("bus_watchdog", -1)
        self._goals.stop()
