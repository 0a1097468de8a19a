"""The interface of an emulated IMU."""

from typing import Protocol

from sim2real.hardware.imu.sample import Motion


class EmulatedUnit(Protocol):
    """An emulated unit of any type: its registers, and the frames it sends."""

    fault: str
    """Kind of the present fault; empty if there is none."""

    @property
    def baudrate(self) -> int:
        """Baud rate at which it communicates, bit/s."""
        ...

    @property
    def period_ns(self) -> int | None:
        """Configured sample period, ns; None if it does not send samples by itself."""
        ...

    def boot(self) -> None:
        """Restart as at power-up."""
        ...

    def saved(self) -> dict[str, int]:
        """Return the persistent settings, by the unit's own names."""
        ...

    def restore(self, settings: dict[str, int]) -> None:
        """Restore these settings and restart; the others are unchanged.

        Raises:
            ValueError: A setting does not exist or its value is invalid.
        """
        ...

    def receive(self, data: bytes, now_ns: int) -> bytes:
        """Execute the commands that the host sent; return the reply."""
        ...

    def interrupt(self) -> None:
        """Discard an incomplete command."""
        ...

    def sample(self, motion: Motion, now_ns: int) -> bytes:
        """Return the frames of one sample; `motion` is in the frame of the unit."""
        ...
