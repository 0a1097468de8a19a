"""The driver of a Dynamixel bus: one sync read and one sync write per tick."""

import math
from collections.abc import Iterable, Mapping
from functools import partial

from sim2real.configs.schema.death import DeathState
from sim2real.configs.schema.robot import BusConfig, JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.discovery import find_motors
from sim2real.hardware.bus.polled_bus import REPLY_MARGIN_S, PolledBus
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.dynamixel.client import Client
from sim2real.hardware.dynamixel.faults import faults_of_block
from sim2real.hardware.dynamixel.frame import ALERT, Instruction, sync_write
from sim2real.hardware.dynamixel.goals import Goals
from sim2real.hardware.dynamixel.motor import WATCHDOG_UNIT_S, Motor
from sim2real.hardware.dynamixel.motor_clocks import MotorClocks
from sim2real.hardware.dynamixel.readings import Readings
from sim2real.hardware.dynamixel.scales import JointScales
from sim2real.hardware.dynamixel.state_reader import StateReader
from sim2real.hardware.dynamixel.tables import BAUDRATES
from sim2real.hardware.types import BusCounters, JointCommand, JointState, MotorFault

FAST_SYNC_READ_FIRMWARE = 46
"""Oldest firmware with fast sync read; the e-Manual gives 46 for the XL330."""

_STATUS_ADDRESS, _STATUS_BYTES = 64, 35  # torque enable to bus watchdog
_FAST_TRIES = 3
_D_BYTES = 2  # Position D Gain (80), before I and P


class DynamixelBus(PolledBus[Motor]):
    """The joints of one Dynamixel bus; implements `JointInterface`.

    Joint angle = direction * (motor angle - zero); motor angle = counts * 2 pi / counts per turn, multi-turn.

    Attributes:
        fast_sync_read: Whether all motors answer in one packet; decided by `open`.
    """

    _reader: StateReader
    _readings: Readings
    _goals: Goals

    def __init__(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
        reply_margin_s: float = REPLY_MARGIN_S,
    ) -> None:
        """Prepare the bus. Nothing is sent before `open`.

        Args:
            bus: The bus configuration; it gives the baud rate.
            joints: The joints on the bus, in array order.
            safety: Gives how long the motors keep running without instructions, and the margin of position limits.
            transport: An open port. The bus owns it from now on and closes it.
            clock: The clock of the transport.
            reply_margin_s: Longest wait for a reply in addition to its time on the wire, s.
        """
        baudrate = round(bus.baudrate)
        self._single = Client(transport, clock, baudrate)
        quick = Client(transport, clock, baudrate, margin_s=reply_margin_s).share(self._single)
        margin = safety.position_margin
        motors = [
            Motor(name, config, self._single, quick, safety.voltages_at(config.supply)[1], margin)
            for name, config in joints.items()
        ]
        super().__init__(transport, clock, self._single, motors)
        self._status = Client(transport, clock, baudrate, self._counters, reply_margin_s).share(self._single)
        self._watchdog = max(1, min(127, math.floor(safety.watchdog / WATCHDOG_UNIT_S + 1e-9)))
        self._gap_ns = ns_from_s(self._watchdog * WATCHDOG_UNIT_S / 2)
        self.fast_sync_read = False
        self._last_instruction_ns = 0
        self._clocks = MotorClocks(len(motors))
        self._stops, self._feed = self._group_frames()
        ids, table = [motor.id for motor in motors], motors[0].table
        self._make_reader = partial(StateReader, ids, table, transport, clock, baudrate, reply_margin_s)

    @property
    def firmware(self) -> dict[str, int]:
        """Firmware version of each motor, by joint name."""
        return {motor.joint: motor.firmware for motor in self._motors}

    def _identify(self) -> None:
        for motor in self._motors:  # two motors that answer to one id are not found at it
            motor.drop_secondary_id()
        identities = find_motors(self._motors, self._single.ping, self._single, BAUDRATES.values())
        for motor, identity in zip(self._motors, identities, strict=True):
            motor.check_model(identity.model_number)
            motor.check_firmware(identity.firmware)

    def _start_polling(self) -> None:
        self._lay()
        self.fast_sync_read = self._choose_reader()

    def _ask(self, now_ns: int, health: bool) -> None:
        if now_ns - self._last_instruction_ns > self._gap_ns and self._enabled:
            self._status_turns.suspect_all()  # watchdogs may have expired
        self._last_instruction_ns = self._reader.ask(health)

    def _collect(self, state: JointState, health: bool) -> None:
        reader = self._reader
        if reader.collect():
            self._readings.take_all(reader.columns, state, reader.arrived_ns, health)
        else:
            self._readings.take_some(reader.columns, state, reader.answered, reader.arrived_ns, health)
            self._note_missed(reader)
        if health:
            restarted = self._clocks.restarted(reader.columns["clock"], reader.answered, reader.asked_ns)
            self._status_turns.suspects.update(restarted)
            if restarted and not self._enabled:
                self._lay_again(state, restarted)

    def _goal_frame(self, command: JointCommand) -> bytes | bytearray:
        return self._goals.frame(command)

    def _after_write(self) -> None:
        self._last_instruction_ns = self._clock.now_ns()

    def _switch_on(self, motor: Motor) -> None:
        motor.enable(self._watchdog)

    def _lay_again(self, state: JointState, restarted: Iterable[int]) -> None:
        """Correct the readings of motors that have restarted with torque off: their encoders have lost the turns."""
        position = self._reader.columns["position"]
        for index in restarted:
            self._motors[index].lay(int(position[index]))
        self._lay()
        self._readings.take_positions(self._reader.columns, state, restarted)

    def _lay(self) -> None:
        """Apply the turns of the motors to readings and goals."""
        motors = self._motors
        scales = JointScales((motor.config for motor in motors), [motor.turns for motor in motors])
        self._readings = Readings(scales)
        self._goals = Goals(motors, scales)

    def _after_enable(self) -> None:
        self._lay()
        self._status_turns.suspect_all()  # read the faults again: `enable` clears an expired watchdog
        self._after_write()

    def keep_alive(self) -> None:
        """Write the present period of the watchdogs again: any instruction feeds them. Raises PortLostError."""
        self._transport.write(self._feed)
        self._after_write()

    def stop_frames(self, state: DeathState) -> bytes:
        """Return a sync write that switches torque off or takes the stiffness out; holding needs none.

        In position mode a motor holds its position by itself, and its own watchdog makes it do so.
        """
        return self._stops[state]

    def _group_frames(self) -> tuple[dict[DeathState, bytes], bytes]:
        """Return the sync writes that bring the motors into each state, and the one that feeds their watchdogs."""
        table = self._motors[0].table
        damping = {motor.id: motor.gains[:_D_BYTES].ljust(len(motor.gains), b"\0") for motor in self._motors}
        off = sync_write(table["torque_enable"].address, dict.fromkeys(damping, b"\0"))
        damp = sync_write(table["position_d_gain"].address, damping)
        feed = sync_write(table["bus_watchdog"].address, dict.fromkeys(damping, bytes((self._watchdog,))))
        return {"off": off, "damp": damp, "hold": b""}, feed

    def _choose_reader(self) -> bool:
        """Make the reader; use fast sync read if every firmware has it and a trial works. Return whether it is fast."""
        if all(motor.firmware >= FAST_SYNC_READ_FIRMWARE for motor in self._motors):
            self._reader = self._make_reader(fast=True, counters=BusCounters())
            for _ in range(_FAST_TRIES):
                self._reader.read(health=True)
                if self._reader.answered.all():
                    self._reader = self._make_reader(fast=True, counters=self._counters)
                    return True
        self._reader = self._make_reader(fast=False, counters=self._counters)
        return False

    def _note_missed(self, reader: StateReader) -> None:
        """Count the motors that did not answer, and note whose status has to be read."""
        for index, name in enumerate(self._names):
            if not reader.answered[index]:
                self._counters.by_joint[name] += 1
                self._status_turns.suspects.add(index)  # it may have restarted
            elif reader.errors[index] & ALERT and not self._faults[index]:
                self._status_turns.suspects.add(index)
                self._faults[index] = MotorFault.OTHER  # until its status is read

    def _read_status(self, index: int) -> bool:
        motor = self._motors[index]
        parameters = _STATUS_ADDRESS.to_bytes(2, "little") + _STATUS_BYTES.to_bytes(2, "little")
        reply = self._status.request(motor.id, Instruction.READ, parameters, _STATUS_BYTES, tries=1)
        self._after_write()
        if reply is None or len(reply.parameters) != _STATUS_BYTES:
            return False
        gains = motor.gains if motor.config.mode == "position" else b""
        self._faults[index] = int(faults_of_block(reply.parameters, motor.table, self._enabled, gains))
        return True
