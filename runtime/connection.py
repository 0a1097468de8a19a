"""The way to a robot that may be commanded: open, first reading, torque on; a stop is looked at in every wait."""

from collections.abc import Callable

from sim2real.hardware.clock import Clock, ns_from_s
from sim2real.hardware.errors import CancelledError
from sim2real.hardware.interface import Interruptible, JointInterface
from sim2real.hardware.types import ImuState, JointState
from sim2real.runtime.contract.robot import RobotSpec
from sim2real.runtime.first_reading import await_first_reading


class Connection:
    """Opens a robot and switches it on.

    Args:
        robot: Names of joints and IMUs, and how long a reading may be missing.
        hardware: Its motors.
        clock: The clock of the hardware.
        period_ns: Time between two readings.
        cancelled: Whether a stop was asked for.
    """

    def __init__(
        self,
        robot: RobotSpec,
        hardware: JointInterface,
        clock: Clock,
        period_ns: int,
        cancelled: Callable[[], bool],
    ) -> None:
        self._robot, self._hardware, self._clock = robot, hardware, clock
        self._period_ns, self._cancelled = period_ns, cancelled
        self.begun = False
        """Whether anything may have been sent to the robot."""
        # Readings since torque came on must be there before the motors' watchdogs want their first command.
        self._reading_ns = ns_from_s(robot.safety.watchdog) // 2
        if isinstance(hardware, Interruptible):
            hardware.check_with(self._check)

    def open(self) -> None:
        """Open the ports and configure the motors, torque off.

        Raises:
            HardwareError: The hardware is not as configured.
            CancelledError: A stop was asked for.
        """
        self._check()
        self.begun = True
        self._hardware.open()
        self._check()

    def enable(self) -> None:
        """Switch torque on.

        Raises:
            HardwareError: A motor refused; torque is off on all.
            CancelledError: A stop was asked for; torque is off on all.
        """
        self._check()
        self._hardware.enable()

    def recover(self) -> None:
        """Set motors up again that have tripped, torque off. Raises HardwareError, CancelledError."""
        self._check()
        self._hardware.recover()

    def first_reading(self, read: Callable[[], None], joints: JointState, imus: ImuState) -> None:
        """Wait for a complete reading.

        Raises:
            HardwareError: There is none within a second; names what was silent.
            CancelledError: A stop was asked for.
        """
        await_first_reading(read, self._robot, joints, imus, self._clock, self._period_ns, self._check)

    def reading_since(self, since_ns: int, read: Callable[[], None], joints: JointState) -> int | None:
        """Read until every joint has answered since a moment, for half the watchdog's time at most.

        Returns:
            None, or the index of a joint that has not answered.

        Raises:
            CancelledError: A stop was asked for.
        """
        while True:
            self._check()
            read()
            silent = joints.stamp_ns <= since_ns
            if not silent.any():
                return None
            if self._clock.now_ns() - since_ns >= self._reading_ns:
                return int(silent.argmax())

    def _check(self) -> None:
        if self._cancelled():
            raise CancelledError("a stop was asked for")
