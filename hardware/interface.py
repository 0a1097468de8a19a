"""The joint-level interface: how the runtime uses motors of any family."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from sim2real.configs.schema.death import DeathState
from sim2real.hardware.types import BusCounters, JointCommand, JointState, Supervision

Between = Callable[[], None]
"""Called before each request of a long step: feeds what must be fed. What it raises ends the step."""


def nothing() -> None:
    """Do nothing between requests."""


class JointInterface(Protocol):
    """All motors of a robot as named joints in SI units, with direction and zero applied.

    Call open first, then read / write / enable / disable in any order, then close. Torque is off after open, after
    disable, after recover, after close, and after any of these raises.
    """

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in the order of every array."""
        ...

    @property
    def counters(self) -> BusCounters:
        """Message counters since `open`."""
        ...

    @property
    def supervision(self) -> Supervision:
        """Whether the supervisor process watches this one. Quick enough for every tick; waits for nothing."""
        ...

    def open(self) -> None:
        """Switch torque off on all buses, check that every motor is the configured one, and configure it.

        Raises:
            HardwareError: A motor is missing or not the configured one. Torque off was sent on every bus, also on
                those that were not reached.
        """
        ...

    def read(self, state: JointState) -> None:
        """Update the state in place with one exchange on each bus, on all buses at the same time.

        A joint whose reply is lost or damaged keeps its values and time stamp, and is not fresh. The time is bounded.

        Raises:
            PortLostError: A port vanished; the joints of the other buses are read.
        """
        ...

    def write(self, command: JointCommand) -> None:
        """Send the targets of all joints with one frame on each bus; does not wait for replies.

        Raises:
            PortLostError: A port vanished; the other buses got their targets.
            ValueError: A target is not finite: nothing was sent.
        """
        ...

    def enable(self) -> None:
        """Switch torque on without a jump: first set goals to the present position or zero effort, and arm watchdogs.

        Raises:
            HardwareError: A motor refused; torque is off on all motors.
        """
        ...

    def torque_off(self) -> None:
        """Send torque off to all motors of all buses, one frame on each. Waits for nothing; never raises."""
        ...

    def disable(self) -> None:
        """Switch torque off: send it on all buses, then ask all motors in turn until each has confirmed.

        A motor that does not confirm gets torque off again and again, for a bounded time.

        Raises:
            TorqueOnError: Names the joints whose motors did not confirm.
        """
        ...

    def recover(self) -> None:
        """Switch torque off, restart tripped motors and write all settings again, so that `enable` is possible.

        Raises:
            HardwareError: A motor is missing, or still reports a fault.
        """
        ...

    def close(self) -> None:
        """Switch torque off where possible and release the ports. Never raises; a second call does nothing."""
        ...


class BusDriver(Protocol):
    """The joints of one bus, in steps that a robot combines with those of its other buses.

    A step waits for at most one exchange, except `open`, `enable` and `recover`; these call `between` before every
    request, so that other motors are fed and a stop is noticed.
    """

    @property
    def joint_names(self) -> tuple[str, ...]:
        """Joint names in the order of every array."""
        ...

    @property
    def counters(self) -> BusCounters:
        """Message counters since `open`."""
        ...

    @property
    def notices(self) -> list[str]:
        """What `open` changed in the motors, one line each, for the user."""
        ...

    @property
    def off_clears_faults(self) -> bool:
        """Whether torque off also clears faults; then `open` looks at them before it sends torque off."""
        ...

    def open(self, between: Between = nothing) -> None:
        """Find and configure the motors; leave torque off. Persistent settings are written only where they differ.

        Raises:
            HardwareError: A motor is missing, is another model, reports an error, or refuses a setting.
        """
        ...

    def begin_read(self) -> None:
        """Send the request for the readings of all motors; does not wait. Raises PortLostError."""
        ...

    def end_read(self, state: JointState) -> None:
        """Collect the replies to `begin_read` into the state. Raises PortLostError."""
        ...

    def write(self, command: JointCommand) -> None:
        """Send the targets of all joints with one frame. Raises PortLostError, and ValueError if one is not finite."""
        ...

    def enable(self, between: Between = nothing) -> None:
        """Set goals to the present state, arm the motors' own watchdogs, then switch torque on.

        Raises:
            HardwareError: A motor refused.
        """
        ...

    def keep_alive(self) -> None:
        """Keep the motors' own watchdogs from expiring, without changing anything; does not wait.

        Raises:
            PortLostError: The port vanished.
        """
        ...

    def stop_frames(self, state: DeathState) -> bytes:
        """Return the frames that bring the motors into a state which lasts without this program, for its supervisor.

        Args:
            state: One of the family's `death_states` for the mode of the joints; `off` is always possible.
        """
        ...

    def send_off(self) -> None:
        """Send torque off to all motors with one frame, in any state of the bus. Waits for nothing; never raises."""
        ...

    def confirm_off(self) -> tuple[str, ...]:
        """Ask for one more confirmation of torque off; send it again where there was none.

        Returns:
            The joints that have not confirmed since `send_off`; all of them while the port is lost.
        """
        ...

    def recover(self, between: Between = nothing) -> None:
        """Restart tripped motors and configure all again, with torque off. Raises HardwareError."""
        ...

    def close(self) -> None:
        """Send torque off and release the port. Never raises; a second call does nothing."""
        ...


@runtime_checkable
class Interruptible(Protocol):
    """Hardware whose `open`, `enable` and `recover` can be ended between two frames, which a request to stop needs."""

    def check_with(self, checkpoint: Callable[[], None]) -> None:
        """Call the checkpoint before each request and in each wait of `open`, `enable` and `recover`.

        What it raises ends the call, torque off on all motors. It is not called while torque is switched off.
        """
        ...


@runtime_checkable
class Recovering(Protocol):
    """Hardware that can be made ready for `enable` again after a fault."""

    def recover(self) -> None:
        """Switch torque off, restart tripped motors, and write and read back their settings.

        Raises:
            HardwareError: A motor is missing, or still reports a fault.
        """
        ...
