"""The driver of a moteus bus, with true impedance control.

A tick queries all controllers in one write, reads the replies, and later commands all controllers in one write without
replies. The command could include the query of the next tick, which would save one CAN frame, but then the policy's
observations would be a whole period old.
"""

import math
from collections.abc import Mapping

from sim2real.configs.schema.death import DeathState
from sim2real.configs.schema.robot import BusConfig, JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.set_up import set_up
from sim2real.hardware.bus.transport import Transport, reopen, write_now
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.finite import FiniteCheck
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.moteus.client import CAN_S, MARGIN_S, NUMBERS, Client, asking_id, question
from sim2real.hardware.moteus.commands import CommandLines
from sim2real.hardware.moteus.controllers import Controllers
from sim2real.hardware.moteus.lines import encode_send
from sim2real.hardware.moteus.reading import QUERY, TICK_QUERY, Reading, decode_reading, decode_tick
from sim2real.hardware.moteus.tables import Mode, motor_fault
from sim2real.hardware.torque_off import switch_off
from sim2real.hardware.types import BusCounters, JointCommand, JointState, MotorFault


class MoteusBus:
    """The joints of one moteus bus; implements `BusDriver`.

    Joint angle = direction * (motor angle - zero). At power-up the motor angle is absolute within one turn of the
    output.

    Attributes:
        notices: What `open` changed in the motors, one line each, for the user.
    """

    off_clears_faults = True

    def __init__(
        self,
        bus: BusConfig,
        joints: Mapping[str, JointConfig],
        safety: SafetyConfig,
        transport: Transport,
        clock: Clock,
        reply_margin_s: float = MARGIN_S,
    ) -> None:
        """Prepare the bus. Nothing is sent before `open`.

        Args:
            bus: The bus configuration; its baud rate matters only for a UART.
            joints: The joints on the bus, in array order.
            safety: Gives how long the controllers keep running without commands, and the margin of position limits.
            transport: An open port. The bus owns it from now on and closes it.
            clock: The clock of the transport.
            reply_margin_s: Longest wait for replies in addition to the time on CAN, s.
        """
        self._baudrate = round(bus.baudrate)
        self._transport, self._clock, self._margin_s = transport, clock, reply_margin_s
        self._names = tuple(joints)
        self._joints = tuple(joints.values())
        self._counters = BusCounters(by_joint=dict.fromkeys(joints, 0))
        self._client = Client(transport, clock, BusCounters())
        self._commands = CommandLines(self._joints, safety.watchdog)
        self._group = Controllers(joints, self._client, clock, self._commands, safety.position_margin)
        self._finite = FiniteCheck(len(joints))
        self._requests: list[list[bytes]] = []  # without and with voltage and temperature, by number
        self._usual_ns = ns_from_s(len(joints) * CAN_S)
        self._number = self._asked_ns = self._deadline_ns = self._health_due_ns = 0
        self._health = False
        self._last_lines = b""
        self._moving: set[int] = set()  # indices of controllers that have not confirmed a stop
        self._clocks: list[tuple[int, int] | None] = []  # of each controller: ms, and when it was asked, ns
        self._faults = [0] * len(joints)
        self._opened = self._enabled = self._closed = False
        self._restarted: frozenset[int] = frozenset()  # indices of controllers that stopped by themselves
        self.notices: list[str] = []

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in array order."""
        return self._names

    @property
    def counters(self) -> BusCounters:
        """Message counters since `open`."""
        return self._counters

    def open(self, between: Between = nothing) -> None:
        """Find the controllers and stop them.

        Raises:
            HardwareError: A controller is missing, is another model, has a latched fault, or has no valid position.
        """
        with set_up(self._client, between, self.send_off):
            self._transport.set_baudrate(self._baudrate)
            self._client.decide_checksum(self._joints[0].id)
            self._group.identify()
            self.notices = self._group.check()
            _raise_if(self._group.stop())
        self._client.counters = self._counters  # count from here on, not during set-up
        self._start_polling()
        self._opened = True

    def read(self, state: JointState) -> None:
        """Update the state with one exchange.

        Raises:
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        state.fresh.fill(False)  # also when the port is lost
        self.begin_read()
        self.end_read(state)

    def begin_read(self) -> None:
        """Send the query. Raises PortLostError, and HardwareError if the bus is not open."""
        self._check_open()
        now_ns = self._clock.now_ns()
        self._health = now_ns >= self._health_due_ns
        self._number = self._client.next_number()
        self._asked_ns = now_ns
        self._deadline_ns = self._client.deadline_ns(len(self._joints), self._margin_s)
        self._client.send_query(self._requests[self._health][self._number])

    def end_read(self, state: JointState) -> None:
        """Collect the replies. Raises PortLostError."""
        state.fresh.fill(False)
        # Replies that waited here, while another bus was read or the process was kept from running, are older than the
        # time at which they are fetched.
        late = self._clock.now_ns() - self._asked_ns > self._usual_ns
        answers = self._client.replies(self._number, self._group.ids, self._deadline_ns)
        decode = decode_reading if self._health else decode_tick
        for place, answer, reading in self._group.decoded(answers, decode):
            kept_waiting = late or answer.arrived_ns > self._deadline_ns
            self._take(state, place, self._asked_ns if kept_waiting else answer.arrived_ns, reading)
        self._counters.reads += 1
        if self._health:
            self._health_due_ns = self._asked_ns + _HEALTH_PERIOD_NS
        for place, name in enumerate(self._names):
            if not state.fresh[place]:
                self._counters.by_joint[name] += 1
        state.faults[:] = self._faults

    def write(self, command: JointCommand) -> None:
        """Send the targets of all joints with one write. Sends nothing before `enable`: it would start the motors.

        Raises:
            ValueError: A target is not finite: nothing was sent.
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        if not self._finite(command):
            raise ValueError("a target is not finite; nothing was sent")
        self._check_open()
        if not self._enabled:
            return
        self._commands.set_targets(command)
        self._last_lines = self._commands.lines(bool(self._client.checksum), self._restarted)
        self._client.send(self._last_lines)
        self._counters.writes += 1

    def enable(self, between: Between = nothing) -> None:
        """Clear time-outs, then enter position mode at the present positions, with zero stiffness and damping.

        Raises:
            HardwareError: A controller refused; torque off was sent to all.
        """
        self._check_open()
        self._enabled = False
        with set_up(self._client, between, self.send_off):
            _raise_if(self._group.stop())
            self._last_lines = self._group.start()
        self._restarted = frozenset()
        self._faults[:] = [0] * len(self._names)
        self._enabled = True

    def keep_alive(self) -> None:
        """Send the last command again. Raises PortLostError."""
        if self._enabled:
            self._client.send(self._last_lines)

    def stop_frames(self, state: DeathState) -> bytes:
        """Return the lines that stop the controllers, or make them damp or hold for ever."""
        lines = {"off": self._commands.stops, "damp": self._commands.damps, "hold": self._commands.holds}[state]
        if self._client.checksum is None:  # not known yet: the adapter refuses the one that it does not take
            return lines(False) + lines(True)
        return lines(self._client.checksum)

    def send_off(self) -> None:
        """Send a stop to all controllers with one write. Waits for nothing; never raises HardwareError."""
        self._enabled = False
        self._moving = set(range(len(self._joints)))
        write_now(self._transport, self.stop_frames("off"))

    def confirm_off(self) -> tuple[str, ...]:
        """Send a stop to those that have not confirmed, and collect their replies; return the joints that are left."""
        try:
            if self._moving:
                self._know_adapter()
                self._group.ask_stopped(self._moving, self._margin_s)
        except PortLostError:
            if reopen(self._transport):
                write_now(self._transport, self.stop_frames("off"))
        return tuple(self._names[place] for place in sorted(self._moving))

    def _know_adapter(self) -> None:
        """Set the line up if `open` did not come to it: without that no reply is understood. Raises PortLostError."""
        if self._client.checksum is None:
            self._transport.set_baudrate(self._baudrate)
            try:
                self._client.decide_checksum(self._joints[0].id)
            except PortLostError:
                raise
            except HardwareError:
                return  # nothing confirms, which the caller reports

    def disable(self) -> None:
        """Stop every controller that can be reached.

        Raises:
            TorqueOnError: Names the joints whose controllers did not confirm.
        """
        switch_off((self,), self._clock)

    def recover(self, between: Between = nothing) -> None:
        """Stop all controllers, which clears their faults, and check them again.

        Raises:
            HardwareError: A controller is missing, or has no valid position.
        """
        self._check_open()
        if not reopen(self._transport):
            raise PortLostError("the port has not come back")
        with set_up(self._client, between, self.send_off):
            self._transport.set_baudrate(self._baudrate)
            self._client.decide_checksum(self._joints[0].id)
            self._group.identify()
            _raise_if(self._group.stop())
            self._group.check()
        self._restarted = frozenset()
        self._faults[:] = [0] * len(self._names)
        self._start_polling()

    def close(self) -> None:
        """Send a stop and release the port. Never raises."""
        if self._closed:
            return
        self._closed = True
        try:
            self.send_off()
        finally:
            self._opened = self._enabled = False
            self._transport.close()

    def _start_polling(self) -> None:
        """Build the queries, for a tick and with voltage and temperature, with each sequence number."""
        checksum = bool(self._client.checksum)
        self._requests = [
            [
                b"".join(encode_send(asking_id(joint.id), question(number, query), checksum) for joint in self._joints)
                for number in range(NUMBERS + 1)
            ]
            for query in (TICK_QUERY, QUERY)
        ]
        self._clocks = [None] * len(self._joints)
        self._health_due_ns = self._clock.now_ns()

    def _check_open(self) -> None:
        if not self._opened:
            raise HardwareError("bus is not open")

    def _take(self, state: JointState, place: int, now_ns: int, reading: Reading) -> None:
        joint = self._joints[place]
        if not math.isfinite(reading.position):
            self._faults[place] = int(MotorFault.ENCODER)
            return
        restarted = self._has_restarted(place, reading)
        if restarted and not self._enabled:
            self._group.lay(place, reading.position)  # it has lost the turns
        angle = (reading.position + self._group.turns[place]) * math.tau
        state.position[place] = joint.direction * (angle - joint.zero)
        state.velocity[place] = joint.direction * reading.velocity * math.tau
        state.effort[place] = joint.direction * reading.torque
        state.stamp_ns[place] = now_ns
        state.fresh[place] = True
        if reading.clock_ms is None:
            state.voltage[place], state.temperature[place] = reading.voltage, reading.temperature
            state.health_stamp_ns[place] = now_ns
        faults = motor_fault(reading.mode, reading.fault)
        if restarted and self._enabled:
            self._restarted |= {place}
        if place in self._restarted:
            faults |= MotorFault.RESTARTED
        self._faults[place] = int(faults)

    def _has_restarted(self, place: int, reading: Reading) -> bool:
        """Return whether a controller has stopped by itself, or its clock does not show the time that has passed."""
        restarted = self._enabled and reading.mode in _RESTARTED
        if reading.clock_ms is not None:
            before = self._clocks[place]
            self._clocks[place] = reading.clock_ms, self._asked_ns
            if before is not None:
                passed_ms = (self._asked_ns - before[1]) / _NS_PER_MS
                apart_ms = (reading.clock_ms - before[0] - passed_ms + _WRAP_MS / 2) % _WRAP_MS - _WRAP_MS / 2
                restarted |= not -_SLACK_MS - _DRIFT * passed_ms <= apart_ms <= _SLACK_MS + _DRIFT * passed_ms
        return restarted


_HEALTH_PERIOD_NS = ns_from_s(0.1)
_NS_PER_MS = 1_000_000
_WRAP_MS = 65_536
_SLACK_MS = 60  # scheduling on a busy machine
_DRIFT = 0.02  # largest error of a controller's clock, as a share: an assumption
_RESTARTED = (Mode.STOPPED, Mode.ENABLING, Mode.CALIBRATING, Mode.CALIBRATION_COMPLETE)


def _raise_if(reasons: list[str]) -> None:
    if reasons:
        raise HardwareError("; ".join(reasons))
