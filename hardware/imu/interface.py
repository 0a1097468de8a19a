"""The interface of an inertial measurement unit."""

from typing import Protocol, runtime_checkable

from sim2real.hardware.imu.sample import ImuSample
from sim2real.hardware.types import ImuState


class Imu(Protocol):
    """One unit on its own port. Call open first, then read, then close."""

    @property
    def notices(self) -> list[str]:
        """What `open` changed in the unit, one line each, for the user."""
        ...

    @property
    def rate_max(self) -> float:
        """Measuring range of the gyro: highest angular velocity about an axis, rad/s."""
        ...

    def open(self) -> None:
        """Check that the unit answers, and configure it.

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

    def close(self) -> None:
        """Release the port. Never raises; a second call does nothing."""
        ...


@runtime_checkable
class WithImus(Protocol):
    """Hardware with IMUs besides its joints."""

    def read_imus(self, state: ImuState) -> None:
        """Update the state with what has arrived since the last call; does not wait. Never raises."""
        ...
