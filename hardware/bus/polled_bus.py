"""The lifecycle of a bus whose motors are polled: one group read and one group write per tick.

A family defines how its motors are identified, what a poll sends and what a reply means. The order in which motors are
found, configured, switched on and switched off is the same for all families and is implemented here. Torque is off
after `open`, `disable` and `close`, and after any call that raises.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from sim2real.hardware.bus.discovery import ExpectedMotor
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.finite import FiniteCheck
from sim2real.hardware.run_all import run_all
from sim2real.hardware.types import BusCounters, JointCommand, JointState

REPLY_MARGIN_S = 0.006
"""Wait in addition to the time on the wire: USB frames of 1 ms, latency timer of 1 ms, scheduling on a busy machine."""

_HEALTH_PERIOD_NS = ns_from_s(0.25)
"""Period of reading voltage and temperature, and the status of one motor in turn."""


class PolledMotor(ExpectedMotor, Protocol):
    """The motor of one joint; every method raises HardwareError if the motor does not confirm."""

    @property
    def notices(self) -> list[str]:
        """Persistent changes made to the motor, one line each."""

    def prepare(self) -> None:
        """Switch torque off; raise if the motor reports an error."""

    def configure(self) -> None:
        """Write the settings of the robot configuration."""

    def hold(self) -> None:
        """Set the goal to the present position, or to zero effort."""

    def disable(self) -> None:
        """Switch torque off."""


class SetUpClient(Protocol):
    """Requests to single motors of one bus, with retries."""

    @property
    def baudrate(self) -> int:
        """Baud rate of the line, bit/s."""

    def set_baudrate(self, baudrate: int) -> None:
        """Change the baud rate of the line. Raises PortLostError."""

    def send(self, frame: bytes) -> None:
        """Send a frame that gets no reply. Raises PortLostError."""


MotorT = TypeVar("MotorT", bound=PolledMotor)


class PolledBus(ABC, Generic[MotorT]):
    """The joints of one bus; implements `JointInterface` except for the contents of the frames.

    Attributes:
        notices: What `open` changed in the motors, one line each, for the user.
    """

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
        self._health_due_ns = 0
        self._next_status = 0  # the motor whose status is read at the next health read
        self._status_due: set[int] = set()

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in array order."""
        return self._names

    @property
    def counters(self) -> BusCounters:
        """Message counters since `open`."""
        return self._counters

    def open(self) -> None:
        """Find and configure the motors; leave torque off.

        Raises:
            HardwareError: A motor is missing, is another model, reports an error, or refuses a setting.
        """
        try:
            self._client.set_baudrate(self._client.baudrate)
            self._identify()
            for motor in self._motors:
                motor.prepare()
            for motor in self._motors:
                motor.configure()
        except BaseException:
            self._torque_off()  # an earlier run that crashed may have left it on
            raise
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
        self._check_open()
        state.fresh.fill(False)  # also when the port is lost
        now_ns = self._clock.now_ns()
        health = now_ns >= self._health_due_ns
        self._poll(state, now_ns, health)
        self._counters.reads += 1
        if health:
            self._health_due_ns = now_ns + _HEALTH_PERIOD_NS
            self._schedule_status(self._next_status)
            self._next_status = (self._next_status + 1) % len(self._motors)
        if self._status_due:
            self._read_next_status(state)

    def write(self, command: JointCommand) -> None:
        """Send the targets of all joints with one frame.

        Raises:
            ValueError: A target is not finite: nothing was sent.
            PortLostError: The port vanished.
            HardwareError: The bus is not open.
        """
        if not self._finite(command):
            raise ValueError("a target is not finite; nothing was sent")
        self._check_open()
        frame = self._goal_frame(command)
        if frame is None:
            return
        self._transport.write(frame)
        self._counters.writes += 1
        self._after_write()

    def enable(self) -> None:
        """Set goals to the present state, arm the watchdog or guardian, then switch torque on.

        Raises:
            HardwareError: A motor refused; torque is off on all motors that can be reached.
        """
        self._check_open()
        self._check_can_enable()
        try:
            self._arm()
            for motor in self._motors:
                motor.hold()
            for motor in self._motors:
                self._switch_on(motor)
        except BaseException:
            self._after_torque_off(self._torque_off())
            raise
        self._enabled = True
        self._after_enable()

    def disable(self) -> None:
        """Switch torque off on every motor that can be reached.

        Raises:
            HardwareError: Names the motors that did not confirm.
        """
        reasons = self._torque_off()
        self._after_torque_off(reasons)
        if reasons:
            raise HardwareError(f"torque may still be on: {'; '.join(reasons)}")

    def close(self) -> None:
        """Switch torque off where possible and release the port. Never raises."""
        if self._closed:
            return
        self._closed = True
        try:
            self._after_torque_off(self._torque_off() if self._opened else [])
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
    def _poll(self, state: JointState, now_ns: int, health: bool) -> None:
        """Read all motors into the state, with voltage and temperature if `health` is set; count missed replies."""

    @abstractmethod
    def _read_status(self, index: int, state: JointState) -> None:
        """Read the status of one motor once; it stays due if no reply arrives."""

    @abstractmethod
    def _goal_frame(self, command: JointCommand) -> bytes | bytearray | None:
        """Return the goal frame for finite targets; None while goals must not be sent."""

    @abstractmethod
    def _switch_on(self, motor: MotorT) -> None:
        """Switch the torque of one motor on. Raises HardwareError unless it confirms."""

    @abstractmethod
    def _off_frame(self) -> bytes:
        """Return the frame that switches torque off on all motors; it gets no reply."""

    def _schedule_status(self, index: int) -> None:
        """Schedule the status read of this motor."""
        self._status_due.add(index)

    def _check_can_enable(self) -> None:
        """Raise HardwareError if torque must not be switched on. Called before anything is sent."""

    def _arm(self) -> None:
        """Arm what stops the motors if this program dies, unless it is a motor register. Raises HardwareError."""

    def _after_enable(self) -> None:
        """Hook: torque has just been switched on."""

    def _before_torque_off(self) -> None:
        """Hook: torque is about to be switched off, which may take all retries."""

    def _after_torque_off(self, reasons: list[str]) -> None:
        """Hook: torque was switched off; `reasons` has one entry for each motor that did not confirm."""

    def _after_write(self) -> None:
        """Hook: a goal frame has just been sent."""

    def _check_open(self) -> None:
        if not self._opened:
            raise HardwareError("bus is not open")

    def _read_next_status(self, state: JointState) -> None:
        """Read the status of one motor that answered this tick; the others wait for the next ticks."""
        index = next((index for index in sorted(self._status_due) if state.fresh[index]), None)
        if index is not None:
            self._read_status(index, state)

    def _torque_off(self) -> list[str]:
        """Switch torque off; return the reason for each motor that did not confirm."""
        self._enabled = False
        self._before_torque_off()
        frame = self._off_frame()
        return run_all((lambda: self._client.send(frame), *(motor.disable for motor in self._motors)))
