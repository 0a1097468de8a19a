"""The lifecycle of a bus whose motors are polled: one group read and one group write per tick.

A family defines how its motors are identified, what a poll sends and what a reply means. The order in which motors are
found, configured, switched on and switched off is the same for all families and is implemented here. Torque is off
after `open`, `disable` and `close`, and after any call that raises.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np

from sim2real.configs.schema.death import DeathState
from sim2real.hardware.bus.off_queue import OffQueue
from sim2real.hardware.bus.polled_motor import PolledMotor, SetUpClient
from sim2real.hardware.bus.set_up import set_up
from sim2real.hardware.bus.status_turns import StatusTurns
from sim2real.hardware.bus.transport import Transport, reopen, write_now
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.finite import FiniteCheck
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.torque_off import switch_off
from sim2real.hardware.types import BusCounters, Int64Array, JointCommand, JointState

REPLY_MARGIN_S = 0.006
"""Wait in addition to the time on the wire: USB frames of 1 ms, latency timer of 1 ms, scheduling on a busy machine."""

_HEALTH_PERIOD_NS = ns_from_s(0.1)
"""Period of reading voltage and temperature, and the status of one motor in turn."""

_RESTART_LIMIT_NS = ns_from_s(2.0)
"""Longest wait until restarted motors answer again."""

_NOT_OPEN = "bus is not open"


MotorT = TypeVar("MotorT", bound=PolledMotor)


class PolledBus(ABC, Generic[MotorT]):
    """The joints of one bus; implements `BusDriver` except for the contents of the frames.

    Attributes:
        notices: What `open` changed in the motors, one line each, for the user.
    """

    off_clears_faults = False

    def __init__(self, transport: Transport, clock: Clock, client: SetUpClient, motors: Sequence[MotorT]) -> None:
        """Prepare the bus. Nothing is sent before `open`.

        Args:
            transport: An open port. The bus owns it from now on and closes it.
            clock: The clock of the transport.
            client: Sets motors up; its counters are separate from those of the run.
            motors: The motors, in array order.
        """
        self.notices: list[str] = []
        self._transport, self._clock, self._client = transport, clock, client
        self._motors = tuple(motors)
        self._names = tuple(motor.joint for motor in motors)
        self._counters = BusCounters(by_joint=dict.fromkeys(self._names, 0))
        self._finite = FiniteCheck(len(motors))
        self._opened = self._enabled = self._closed = False
        self._faults: Int64Array = np.zeros(len(motors), np.int64)
        self._health = False
        self._health_due_ns = 0
        self._status_turns = StatusTurns(len(motors))
        self._off_queue = OffQueue(len(motors))

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in array order."""
        return self._names

    @property
    def counters(self) -> BusCounters:
        """Message counters since `open`."""
        self._counters.settings_written = sum(motor.settings_written for motor in self._motors)
        return self._counters

    def open(self, between: Between = nothing) -> None:
        """Find and configure the motors; leave torque off.

        Raises:
            HardwareError: A motor is missing, is another model, reports an error, or refuses a setting.
        """
        try:
            with set_up(self._client, between, self.send_off):
                self._client.set_baudrate(self._client.baudrate)
                self._identify()
                self._configure()
        finally:  # what has been written is said, also if the rest fails
            self.notices = [notice for motor in self._motors for notice in motor.notices]
        self._start_polling()
        self._health_due_ns = self._clock.now_ns()
        self._opened = True

    def read(self, state: JointState) -> None:
        """Update the state with one group read; from time to time also read the status of one motor.

        Raises:
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        try:
            self.begin_read()
        except HardwareError:
            state.fresh.fill(False)
            raise
        self.end_read(state)

    def begin_read(self) -> None:
        """Send the request of the group read. Raises PortLostError, and HardwareError if the bus is not open."""
        if not self._opened:
            raise HardwareError(_NOT_OPEN)
        now_ns = self._clock.now_ns()
        self._health = health = now_ns >= self._health_due_ns
        self._ask(now_ns, health)

    def end_read(self, state: JointState) -> None:
        """Collect the replies; then read the status of motors that may have restarted. Raises PortLostError."""
        health, turns = self._health, self._status_turns
        state.fresh.fill(False)  # also when the port is lost
        self._collect(state, health)
        self._counters.reads += 1
        if health:
            self._health_due_ns = self._clock.now_ns() + _HEALTH_PERIOD_NS
            turns.next_is_due()
        if turns.suspects or turns.due:
            turns.read(state.fresh, self._read_status)
        state.faults[...] = self._faults

    def write(self, command: JointCommand) -> None:
        """Send the targets of all joints with one frame.

        Raises:
            ValueError: A target is not finite: nothing was sent.
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        if not self._finite(command):
            raise ValueError("a target is not finite; nothing was sent")
        if not self._opened:
            raise HardwareError(_NOT_OPEN)
        frame = self._goal_frame(command)
        if frame is None:
            return
        self._transport.write(frame)
        self._counters.writes += 1
        self._after_write()

    def enable(self, between: Between = nothing) -> None:
        """Set goals to the present state, arm the watchdogs, then switch torque on.

        Raises:
            HardwareError: A motor refused; torque off was sent to all motors.
        """
        self._check_open()
        with set_up(self._client, between, self.send_off):
            for motor in self._motors:
                motor.hold()
            for motor in self._motors:
                self._switch_on(motor)
        self._enabled = True
        self._faults.fill(0)
        self._status_turns.suspects.clear()
        self._after_enable()

    def keep_alive(self) -> None:
        """Keep the motors' watchdogs from expiring. Raises PortLostError."""

    @abstractmethod
    def stop_frames(self, state: DeathState) -> bytes:
        """Return the frames that bring the motors into a state without this program."""

    def send_off(self) -> None:
        """Send torque off to all motors with one frame. Waits for nothing; never raises HardwareError."""
        self._enabled = False
        self._off_queue.sent()
        write_now(self._transport, self.stop_frames("off"))

    def confirm_off(self) -> tuple[str, ...]:
        """Ask the next motor for its confirmation; return the joints that have not confirmed."""
        try:
            self._off_queue.ask_next(self._motor_is_off, self._send_off_again)
        except PortLostError:
            if reopen(self._transport):
                self._send_off_again()
        return tuple(self._names[index] for index in self._off_queue.unconfirmed)

    def disable(self) -> None:
        """Switch torque off on every motor that can be reached.

        Raises:
            TorqueOnError: Names the joints that did not confirm.
        """
        switch_off((self,), self._clock)

    def recover(self, between: Between = nothing) -> None:
        """Restart the motors that report an error, and configure all again.

        Raises:
            HardwareError: A motor is missing, or still reports an error.
        """
        self._check_open()
        if not reopen(self._transport):
            raise PortLostError("the port has not come back")
        with set_up(self._client, between, self.send_off):
            self._client.set_baudrate(self._client.baudrate)
            self._await([motor for motor in self._motors if motor.restart()])
            self._identify()
            self._configure()
        self._faults.fill(0)
        self._status_turns.suspects.clear()
        self._start_polling()

    def close(self) -> None:
        """Send torque off and release the port. Never raises."""
        if self._closed:
            return
        self._closed = True
        try:
            self.send_off()
        finally:
            self._opened = False
            self._transport.close()

    @abstractmethod
    def _identify(self) -> None:
        """Find every motor and check its model. Raises HardwareError if one is missing or another model."""

    @abstractmethod
    def _start_polling(self) -> None:
        """Build the frames for polling and commanding the configured motors."""

    @abstractmethod
    def _ask(self, now_ns: int, health: bool) -> None:
        """Send the request for the readings of all motors, with voltage and temperature if `health` is set."""

    @abstractmethod
    def _collect(self, state: JointState, health: bool) -> None:
        """Collect the replies into the state, and the faults they show into `_faults`; count missed replies.

        Motors that were missed, or that show signs of a restart, go to the suspects of `_status_turns`.
        """

    @abstractmethod
    def _read_status(self, index: int) -> bool:
        """Read the status of one motor once, into `_faults`; return whether it answered."""

    @abstractmethod
    def _goal_frame(self, command: JointCommand) -> bytes | bytearray | None:
        """Return the goal frame for finite targets; None while goals must not be sent."""

    @abstractmethod
    def _switch_on(self, motor: MotorT) -> None:
        """Switch the torque of one motor on. Raises HardwareError unless it confirms."""

    def _after_enable(self) -> None:
        """Hook: torque has just been switched on."""

    def _after_write(self) -> None:
        """Hook: a goal frame has just been sent."""

    def _check_open(self) -> None:
        if not self._opened:
            raise HardwareError(_NOT_OPEN)

    def _configure(self) -> None:
        for motor in self._motors:
            motor.prepare()
        for motor in self._motors:
            motor.configure()

    def _await(self, motors: Sequence[MotorT]) -> None:
        """Wait until restarted motors answer. Raises HardwareError for the first that does not."""
        deadline_ns = self._clock.now_ns() + _RESTART_LIMIT_NS
        for motor in motors:
            while not motor.answers():
                if self._clock.now_ns() >= deadline_ns:
                    raise HardwareError(f"joint {motor.joint!r} (motor {motor.id}): no answer after its restart")

    def _motor_is_off(self, index: int) -> bool:
        return self._motors[index].torque_is_off()

    def _send_off_again(self) -> None:
        write_now(self._transport, self.stop_frames("off"))
