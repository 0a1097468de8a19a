"""The joint-level interface: what the runtime sees of motors of any family."""

from typing import Protocol

from sim2real.hardware.types import BusCounters, JointCommand, JointState


class JointInterface(Protocol):
    """All motors of a robot, or of one bus, as joints with names, in SI units, signs and offsets applied.

    The order of calls is open, then any of read / write / enable / disable, then close. Torque is off after open, after
    disable, after close, and after any of them raises.
    """

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in the order of every array."""
        ...

    @property
    def counters(self) -> BusCounters:
        """What happened on the wire so far."""
        ...

    def open(self) -> None:
        """Open the ports, check that every motor is the configured one, configure it, leave torque off.

        Raises:
            HardwareError: A port cannot be opened, or a motor is missing or another one than configured.
        """
        ...

    def read(self, state: JointState) -> None:
        """Update the state in place with one exchange on each bus.

        A joint whose reply is lost or damaged keeps its values and stamp, and is not fresh. Bounded in time.

        Raises:
            PortLostError: A port vanished.
        """
        ...

    def write(self, command: JointCommand) -> None:
        """Send the targets of all joints with one frame on each bus; nothing waits for a reply.

        Raises:
            PortLostError: A port vanished.
            ValueError: A target is not finite: nothing was sent.
        """
        ...

    def enable(self) -> None:
        """Switch torque on without a jump: goals first set to where the joints are, or zero effort; watchdogs armed.

        Raises:
            HardwareError: A motor refused; torque is off on all of them.
        """
        ...

    def disable(self) -> None:
        """Switch torque off on every motor that can be reached; tries all of them before it raises.

        Raises:
            HardwareError: A motor did not confirm.
        """
        ...

    def close(self) -> None:
        """Switch torque off where possible and release the ports. Never raises; closing twice does nothing."""
        ...


class BusDriver(JointInterface, Protocol):
    """The joints of one bus, and what setting them up changed."""

    @property
    def notices(self) -> list[str]:
        """What `open` changed in the motors, one line each, for people to read."""
        ...
