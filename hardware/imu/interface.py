"""The interface of an inertial measurement unit."""

from typing import Protocol, runtime_checkable

from sim2real.hardware.imu.sample import ImuSample
from sim2real.hardware.interface import Between, nothing
from sim2real.hardware.types import ImuState


class Imu(Protocol):
    """One unit on its own port. Call open first, then read, then close."""

    @property
    def notices(self) -> list[str]:
        """What `open` changed in the unit, one line each, for the user."""
        ...

    @property
    def settings_written(self) -> int:
        """Number of writes to the unit's persistent memory."""
        ...

    @property
    def rate_max(self) -> float:
        """Measuring range of the gyro: highest angular velocity about an axis, rad/s."""
        ...

    def open(self, between: Between = nothing) -> None:
        """Check that the unit answers, and configure it. Settings are written only after a known difference.

        Args:
            between: Called before every wait; what it raises ends the step.

        Raises:
            HardwareError: It does not answer, or does not match the configuration.
        """
        ...

    def read(self) -> ImuSample | None:
        """Process all received bytes without waiting; return the newest complete sample, None if there is none.

        Raises:
            PortLostError: The port vanished.
        """
        ...

    def recover(self, between: Between = nothing) -> None:
        """Open the port again if it had vanished, and the unit with it. Raises HardwareError."""
        ...

    def close(self) -> None:
        """Release the port. Never raises; a second call does nothing."""
        ...


@runtime_checkable
class WithImus(Protocol):
    """Hardware with IMUs besides its joints."""

    def read_imus(self, state: ImuState) -> None:
        """Update the state with what has arrived since the last call; does not wait. Never raises."""
        ...
