"""The lifecycle of a bus whose motors are polled: one group read and one group write each tick, whatever the frames.

A family says how its motors are identified, what a poll sends and what a reply means. The order in which motors are
found, set up, switched on and switched off is the same for all and stands here: torque is off after `open`, `disable`
and `close`, and after any call that raises.
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
"""Wait beyond the time on the wire: USB frames of 1 ms, latency timer of 1 ms, scheduling of a busy machine."""

_HEALTH_PERIOD_NS = ns_from_s(0.25)
"""Of voltage and temperature, and of the status of one motor in turn."""


class PolledMotor(ExpectedMotor, Protocol):
    """One motor as the joint that it drives; every method raises HardwareError if the motor does not confirm."""

    @property
    def notices(self) -> list[str]:
        """What was changed in it that stays changed, one line each."""

    def prepare(self) -> None:
        """Switch torque off; refuse a motor that reports an error."""

    def configure(self) -> None:
        """Set what the robot's configuration asks for."""

    def hold(self) -> None:
        """Set the goal that moves nothing."""

    def disable(self) -> None:
        """Switch torque off."""


class SetUpClient(Protocol):
    """Requests to single motors of one bus, with retries."""

    @property
    def baudrate(self) -> int:
        """Speed of the line."""

    def set_baudrate(self, baudrate: int) -> None:
        """Change the speed of the line. Raises PortLostError."""

    def send(self, frame: bytes) -> None:
        """Send a frame that gets no reply. Raises PortLostError."""


MotorT = TypeVar("MotorT", bound=PolledMotor)


class PolledBus(ABC, Generic[MotorT]):
    """The joints of one bus; implements `JointInterface` but for what the frames hold.

    Attributes:
        notices: What `open` changed in the motors, one line each, for people to read.
    """

    def __init__(self, transport: Transport, clock: Clock, client: SetUpClient, motors: Sequence[MotorT]) -> None:
        """Prepare the bus; nothing is sent before `open`.

        Args:
            transport: An open port. The bus owns it from now on and closes it.
            clock: The clock of the transport.
            client: What sets motors up; its counters are not those of the run.
            motors: The motors, in the order of the arrays.
        """
        self.notices: list[str] = []
        self._transport, self._clock, self._client = transport, clock, client
        self._motors = tuple(motors)
        self._names = tuple(motor.joint for motor in motors)
        self._counters = BusCounters(by_joint=dict.fromkeys(self._names, 0))
        self._finite = FiniteCheck(len(motors))
        self._opened = self._enabled = self._closed = False
        self._health_due_ns = 0
        self._turn = 0  # the motor whose status is read next without a reason
        self._status_due: set[int] = set()

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in the order of every array."""
        return self._names

    @property
    def counters(self) -> BusCounters:
        """What happened on the bus since `open`."""
        return self._counters

    def open(self) -> None:
        """Find and configure the motors, torque off.

        Raises:
            HardwareError: A motor is missing, another model, reports an error, or refuses a setting.
        """
        try:
            self._client.set_baudrate(self._client.baudrate)
            self._identify()
            for motor in self._motors:
                motor.prepare()
            for motor in self._motors:
                motor.configure()
        except BaseException:
            self._torque_off()  # a run that crashed may have left it on
            raise
        self.notices = [notice for motor in self._motors for notice in motor.notices]
        self._begin()
        self._health_due_ns = self._clock.now_ns()
        self._opened = True

    def read(self, state: JointState) -> None:
        """Update the state with one group read; now and then read the status of one motor too.

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
            self._take_turn(self._turn)
            self._turn = (self._turn + 1) % len(self._motors)
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
        self._note_instruction()

    def enable(self) -> None:
        """Set goals that move nothing, then switch torque on, with what stops the motors of a dead program armed.

        Raises:
            HardwareError: A motor refused; torque is off on all of them, as far as they can be reached.
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
        """Find every motor and check its model. Raises HardwareError."""

    @abstractmethod
    def _begin(self) -> None:
        """Make what polls and commands the motors, which are configured now."""

    @abstractmethod
    def _poll(self, state: JointState, now_ns: int, health: bool) -> None:
        """Read all motors at once into the state, with voltage and temperature if wanted, and count what is missing."""

    @abstractmethod
    def _read_status(self, index: int, state: JointState) -> None:
        """Read the status of one motor that answers, once; it stays due if no reply comes."""

    @abstractmethod
    def _goal_frame(self, command: JointCommand) -> bytes | bytearray | None:
        """Return the frame of finite targets; None while goals must not be sent."""

    @abstractmethod
    def _switch_on(self, motor: MotorT) -> None:
        """Switch the torque of one motor on. Raises HardwareError unless it confirms."""

    @abstractmethod
    def _off_frame(self) -> bytes:
        """Return the frame that switches torque off on all motors, which none answers."""

    def _take_turn(self, index: int) -> None:
        """Note that it is this motor's turn to have its status read."""
        self._status_due.add(index)

    def _check_can_enable(self) -> None:
        """Raise HardwareError if torque must not be switched on; nothing has been sent."""

    def _arm(self) -> None:
        """Arm what stops the motors of a dead program, if it is no register of theirs. Raises HardwareError."""

    def _after_enable(self) -> None:
        """Note that torque has just been switched on."""

    def _before_torque_off(self) -> None:
        """Note that torque is about to be switched off, with all retries."""

    def _after_torque_off(self, reasons: list[str]) -> None:
        """Note that torque was switched off, but for these reasons, one for each motor that did not confirm."""

    def _note_instruction(self) -> None:
        """Note that an instruction has just been sent."""

    def _check_open(self) -> None:
        if not self._opened:
            raise HardwareError("bus is not open")

    def _read_next_status(self, state: JointState) -> None:
        """Read the status of one motor that answers; the others wait for the next ticks."""
        index = next((index for index in sorted(self._status_due) if state.fresh[index]), None)
        if index is not None:
            self._read_status(index, state)

    def _torque_off(self) -> list[str]:
        """Switch torque off; return why, for each motor that did not confirm."""
        self._enabled = False
        self._before_torque_off()
        frame = self._off_frame()
        return run_all((lambda: self._client.send(frame), *(motor.disable for motor in self._motors)))
