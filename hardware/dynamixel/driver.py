"""All Dynamixel motors of one bus as joints: one sync read and one sync write each tick."""

import math
from collections.abc import Mapping

import numpy as np

from sim2real.configs.schema.robot import BusConfig, JointConfig, SafetyConfig
from sim2real.hardware.bus.discovery import find_motors
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.dynamixel.client import Client
from sim2real.hardware.dynamixel.frame import ALERT, BROADCAST, Instruction, encode
from sim2real.hardware.dynamixel.goals import Goals
from sim2real.hardware.dynamixel.motor import WATCHDOG_UNIT_S, Motor, faults_of_block
from sim2real.hardware.dynamixel.scales import JointScales
from sim2real.hardware.dynamixel.state_reader import StateReader
from sim2real.hardware.dynamixel.tables import BAUDRATES
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.finite import FiniteCheck
from sim2real.hardware.run_all import run_all
from sim2real.hardware.types import BusCounters, JointCommand, JointState, MotorFault

FAST_SYNC_READ_FIRMWARE = 46
"""Oldest firmware that fast sync read is asked of; the e-Manual names 46 for the XL330."""

_REPLY_MARGIN_S = 0.006  # USB frames of 1 ms, latency timer of 1 ms, scheduling of a busy machine; beyond the wire time
_HEALTH_PERIOD_NS = ns_from_s(0.25)  # of voltage, temperature, and in turn the status of one motor
_STATUS_ADDRESS, _STATUS_BYTES = 64, 35  # torque enable to bus watchdog
_FAST_TRIES = 3


class DynamixelBus:
    """The joints of one bus; implements `JointInterface`.

    Joint angle = direction * (motor angle - zero); motor angle = counts * 2 pi / counts per turn, over many turns.

    Attributes:
        notices: What `open` changed in the motors, one line each, for people to read.
        fast_sync_read: Whether all motors answer in one packet; decided by `open`.
    """

    def __init__(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
        reply_margin_s: float = _REPLY_MARGIN_S,
    ) -> None:
        """Prepare the bus; nothing is sent before `open`.

        Args:
            bus: Its speed.
            joints: The joints on it, in the order of the arrays.
            safety: How long motors go on without instructions.
            transport: An open port. The bus owns it from now on and closes it.
            clock: The clock of the transport.
            reply_margin_s: How much longer than on the wire a reply may take.
        """
        self._baudrate = round(bus.baudrate)
        self._transport, self._clock = transport, clock
        self._margin_s = reply_margin_s
        self._names = tuple(joints)
        self._counters = BusCounters(by_joint=dict.fromkeys(joints, 0))
        self._exchange = Client(transport, clock, self._baudrate)  # its counters are of set-up, not of the run
        self._status = Client(transport, clock, self._baudrate, self._counters, reply_margin_s)
        supply = safety.voltage_range[1]
        self._motors = tuple(Motor(name, config, self._exchange, supply) for name, config in joints.items())
        self._watchdog = max(1, min(127, math.floor(safety.watchdog / WATCHDOG_UNIT_S + 1e-9)))
        self._gap_ns = ns_from_s(self._watchdog * WATCHDOG_UNIT_S / 2)
        self._finite = FiniteCheck(len(joints))
        self._scales = JointScales(joints.values())
        self.notices: list[str] = []
        self.fast_sync_read = False
        self._reader: StateReader | None = None
        self._goals: Goals | None = None
        self._enabled = False
        self._closed = False
        self._last_instruction_ns = 0
        self._health_due_ns = 0
        self._turn = 0  # whose status is looked at next without a reason
        self._status_due: set[int] = set()

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in the order of every array."""
        return self._names

    @property
    def counters(self) -> BusCounters:
        """What happened on the wire since `open`."""
        return self._counters

    @property
    def firmware(self) -> dict[str, int]:
        """Firmware version of each motor, by joint name."""
        return {motor.joint: motor.firmware for motor in self._motors}

    def open(self) -> None:
        """Find and configure the motors, torque off.

        Raises:
            HardwareError: A motor is missing, another model, has a latched hardware error, or refuses its set-up.
        """
        try:
            self._exchange.set_baudrate(self._baudrate)
            identities = find_motors(self._motors, self._exchange.ping, self._exchange, BAUDRATES.values())
            for motor, identity in zip(self._motors, identities, strict=True):
                motor.check_model(identity.model_number)
                motor.check_firmware(identity.firmware)
            for motor in self._motors:
                motor.prepare()
            for motor in self._motors:
                motor.configure()
        except HardwareError:
            self._torque_off()  # a run that crashed may have left it on
            raise
        self.notices = [notice for motor in self._motors for notice in motor.notices]
        self._goals = Goals(self._motors, self._scales)
        self.fast_sync_read = self._choose_reader()
        self._health_due_ns = self._clock.now_ns()

    def read(self, state: JointState) -> None:
        """Update the state with one exchange; now and then, and after an alert, also ask one motor for its status.

        Raises:
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        if self._reader is None:
            raise HardwareError("bus is not open")
        state.fresh.fill(False)  # also when the port is lost
        now_ns = self._clock.now_ns()
        if self._enabled and now_ns - self._last_instruction_ns > self._gap_ns:
            self._status_due.update(range(len(self._motors)))  # long enough for watchdogs: did they expire?
        health = now_ns >= self._health_due_ns
        good = self._reader.read(health)
        self._last_instruction_ns = arrived_ns = self._clock.now_ns()
        self._counters.reads += 1
        if good:
            self._take_all(self._reader, state, arrived_ns, health)
        else:
            self._take_some(self._reader, state, arrived_ns, health)
        if health:
            self._health_due_ns = now_ns + _HEALTH_PERIOD_NS
            self._status_due.add(self._turn)
            self._turn = (self._turn + 1) % len(self._motors)
        if self._status_due:
            self._read_status(state)

    def write(self, command: JointCommand) -> None:
        """Send the targets of all joints with one frame.

        Raises:
            ValueError: A target is not finite: nothing was sent.
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        if not self._finite(command):
            raise ValueError("a target is not finite; nothing was sent")
        if self._goals is None:
            raise HardwareError("bus is not open")
        self._transport.write(self._goals.frame(command))
        self._last_instruction_ns = self._clock.now_ns()
        self._counters.writes += 1

    def enable(self) -> None:
        """Set goals that move nothing, arm the watchdogs, switch torque on.

        Raises:
            HardwareError: A motor refused; torque is off on all of them, as far as they can be reached.
        """
        if self._reader is None:
            raise HardwareError("bus is not open")
        try:
            for motor in self._motors:
                motor.hold()
            for motor in self._motors:
                motor.enable(self._watchdog)
        except HardwareError:
            self._torque_off()
            raise
        self._enabled = True
        self._status_due.update(range(len(self._motors)))  # an expired watchdog has just been cleared
        self._last_instruction_ns = self._clock.now_ns()

    def disable(self) -> None:
        """Switch torque off on every motor that can be reached.

        Raises:
            HardwareError: Names the motors that did not confirm.
        """
        reasons = self._torque_off()
        if reasons:
            raise HardwareError(f"torque may still be on: {'; '.join(reasons)}")

    def close(self) -> None:
        """Switch torque off where possible and release the port. Never raises."""
        if self._closed:
            return
        self._closed = True
        if self._reader is not None:
            self._torque_off()
        self._reader, self._goals = None, None
        self._transport.close()

    def _torque_off(self) -> list[str]:
        """Switch torque off; return why, for each motor that did not confirm."""
        self._enabled = False
        register = self._motors[0].table["torque_enable"]
        everyone = b"".join(bytes((motor.id, 0)) for motor in self._motors)
        block = register.address.to_bytes(2, "little") + register.size.to_bytes(2, "little")
        frame = encode(BROADCAST, Instruction.SYNC_WRITE, block + everyone)
        return run_all((lambda: self._exchange.send(frame), *(motor.disable for motor in self._motors)))

    def _choose_reader(self) -> bool:
        """Make the reader: fast if every motor is new enough and a trial works. Returns whether it is fast."""
        if all(motor.firmware >= FAST_SYNC_READ_FIRMWARE for motor in self._motors):
            self._reader = self._make_reader(fast=True, counters=BusCounters())
            for _ in range(_FAST_TRIES):
                self._reader.read(health=True)
                if self._reader.answered.all():
                    self._reader = self._make_reader(fast=True, counters=self._counters)
                    return True
        self._reader = self._make_reader(fast=False, counters=self._counters)
        return False

    def _make_reader(self, fast: bool, counters: BusCounters) -> StateReader:
        ids = [motor.id for motor in self._motors]
        table, baudrate = self._motors[0].table, self._baudrate
        return StateReader(ids, table, self._transport, self._clock, baudrate, fast, self._margin_s, counters)

    def _take_all(self, reader: StateReader, state: JointState, now_ns: int, health: bool) -> None:
        columns, scales = reader.columns, self._scales
        position, velocity, effort = state.position, state.velocity, state.effort
        # Copied first: a multiplication that converts integers on the way costs twice as much as the two steps.
        position[...] = columns["position"]
        velocity[...] = columns["velocity"]
        effort[...] = columns["effort"]
        np.multiply(position, scales.position, position)
        np.add(position, scales.position_offset, position)
        np.multiply(velocity, scales.velocity, velocity)
        np.multiply(effort, scales.effort, effort)
        state.stamp_ns.fill(now_ns)
        state.fresh.fill(True)
        if health:
            np.multiply(columns["voltage"], 0.1, out=state.voltage)
            state.temperature[:] = columns["temperature"]

    def _take_some(self, reader: StateReader, state: JointState, now_ns: int, health: bool) -> None:
        answered, data = reader.answered, reader.columns
        scaled = data["position"] * self._scales.position + self._scales.position_offset
        np.copyto(state.position, scaled, where=answered)
        np.copyto(state.velocity, data["velocity"] * self._scales.velocity, where=answered)
        np.copyto(state.effort, data["effort"] * self._scales.effort, where=answered)
        np.copyto(state.stamp_ns, now_ns, where=answered)
        np.copyto(state.fresh, answered)
        if health:
            np.copyto(state.voltage, data["voltage"] * 0.1, where=answered)
            np.copyto(state.temperature, data["temperature"], where=answered)
        for index, name in enumerate(self._names):
            if not answered[index]:
                self._counters.by_joint[name] += 1
            elif reader.errors[index] & ALERT and not state.faults[index]:
                self._status_due.add(index)
                state.faults[index] = MotorFault.OTHER  # until its status says which

    def _read_status(self, state: JointState) -> None:
        """Look at the status of one motor that answers; the others wait for the next ticks."""
        index = next((index for index in sorted(self._status_due) if state.fresh[index]), None)
        if index is None:
            return
        motor = self._motors[index]
        parameters = _STATUS_ADDRESS.to_bytes(2, "little") + _STATUS_BYTES.to_bytes(2, "little")
        reply = self._status.request(motor.id, Instruction.READ, parameters, _STATUS_BYTES, tries=1)
        self._last_instruction_ns = self._clock.now_ns()
        if reply is not None and len(reply.parameters) == _STATUS_BYTES:
            self._status_due.discard(index)
            state.faults[index] = int(faults_of_block(reply.parameters, motor.table, self._enabled))
