"""What a polled bus needs of its motors and of the client that sets them up."""

from typing import Protocol

from sim2real.hardware.bus.discovery import ExpectedMotor
from sim2real.hardware.interface import Between


class PolledMotor(ExpectedMotor, Protocol):
    """The motor of one joint; every method raises HardwareError if the motor does not confirm."""

    @property
    def notices(self) -> list[str]:
        """Persistent changes made to the motor, one line each."""

    @property
    def settings_written(self) -> int:
        """Number of writes to its persistent memory."""

    def prepare(self) -> None:
        """Switch torque off; raise if the motor reports an error."""

    def configure(self) -> None:
        """Write the settings of the robot configuration, and read them back."""

    def restart(self) -> bool:
        """Restart the motor if it reports an error that needs it; return whether it was restarted."""

    def answers(self) -> bool:
        """Return whether it answers one question, asked once."""

    def hold(self) -> None:
        """Set the goal to the present position, or to zero effort."""

    def torque_is_off(self) -> bool:
        """Return whether the motor confirms that torque is off, asked once. Raises PortLostError only."""


class SetUpClient(Protocol):
    """Requests to single motors of one bus, with retries."""

    between: Between
    """Called before each request."""

    @property
    def baudrate(self) -> int:
        """Baud rate of the line, bit/s."""

    def set_baudrate(self, baudrate: int) -> None:
        """Change the baud rate of the line. Raises PortLostError."""
