"""The joint-level interface: how the runtime uses motors of any family."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from sim2real.hardware.types import BusCounters, JointCommand, JointState


class JointInterface(Protocol):
    """All motors of a robot, or of one bus, as named joints in SI units, with direction and zero applied.

    Call open first, then read / write / enable / disable in any order, then close. Torque is off after open, after
    disable, after close, and after any of these raises.
    """

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in the order of every array."""
        ...

    @property
    def counters(self) -> BusCounters:
        """Message counters since `open`."""
        ...

    def open(self) -> None:
        """Open the ports, check that every motor is the configured one, configure it, and leave torque off.

        Raises:
            HardwareError: A port cannot be opened, or a motor is missing or not the configured one.
        """
        ...

    def read(self, state: JointState) -> None:
        """Update the state in place with one exchange on each bus.

        A joint whose reply is lost or damaged keeps its values and time stamp, and is not fresh. The time is bounded.

        Raises:
            PortLostError: A port vanished.
        """
        ...

    def write(self, command: JointCommand) -> None:
        """Send the targets of all joints with one frame on each bus; does not wait for replies.

        Raises:
            PortLostError: A port vanished.
            ValueError: A target is not finite: nothing was sent.
        """
        ...

    def enable(self) -> None:
        """Switch torque on without a jump: first set goals to the present position or zero effort, and arm watchdogs.

        Raises:
            HardwareError: A motor refused; torque is off on all motors.
        """
        ...

    def disable(self) -> None:
        """Switch torque off on every motor that can be reached; all are tried before an error is raised.

        Raises:
            HardwareError: A motor did not confirm.
        """
        ...

    def close(self) -> None:
        """Switch torque off where possible and release the ports. Never raises; a second call does nothing."""
        ...


class BusDriver(JointInterface, Protocol):
    """The joints of one bus, and what `open` changed in their motors."""

    @property
    def notices(self) -> list[str]:
        """What `open` changed in the motors, one line each, for the user."""
        ...


@runtime_checkable
class Interruptible(Protocol):
    """Hardware whose `open` and `enable` can be ended between two frames, which a request to stop needs."""

    def check_with(self, checkpoint: Callable[[], None]) -> None:
        """Call the checkpoint before each write of `open` and `enable`.

        What it raises ends the call, torque off on all motors. It is not called while torque is switched off.
        """
        ...
