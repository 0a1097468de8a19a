"""The interface of inertial measurement units."""

from typing import Protocol, runtime_checkable

from sim2real.hardware.imu.sample import ImuSample
from sim2real.hardware.types import ImuState


class Imu(Protocol):
    """One unit on a port of its own. The order of calls is open, then read, then close."""

    @property
    def notices(self) -> list[str]:
        """What `open` changed in the unit, one line each, for people to read."""
        ...

    @property
    def rate_max(self) -> float:
        """Highest angular velocity about an axis that the unit can measure, rad/s."""
        ...

    def open(self) -> None:
        """Check that the unit is there, and set it up as configured.

        Raises:
            HardwareError: It does not answer, or not as configured.
        """
        ...

    def read(self) -> ImuSample | None:
        """Take everything that has arrived, without waiting; return the newest whole sample, None if there is none.

        Raises:
            PortLostError: The port vanished.
        """
        ...

    def close(self) -> None:
        """Release the port. Never raises; closing twice does nothing."""
        ...


@runtime_checkable
class WithImus(Protocol):
    """Hardware that has IMUs beside its joints."""

    def read_imus(self, state: ImuState) -> None:
        """Update the state with what has arrived since the last call, without waiting. Never raises."""
        ...
