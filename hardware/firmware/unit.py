"""The interface of an emulated IMU."""

from typing import Protocol

from sim2real.hardware.imu.sample import Motion


class EmulatedUnit(Protocol):
    """A unit, whatever its type: its registers, and the frames that it sends."""

    fault: str
    """Kind of the fault that it has at present; empty when all is well."""

    @property
    def baudrate(self) -> int:
        """bit/s at which it sends and listens."""
        ...

    @property
    def period_ns(self) -> int | None:
        """Time from sample to sample as it was set; None when it sends nothing by itself."""
        ...

    def boot(self) -> None:
        """Restart as after power-up."""
        ...

    def saved(self) -> dict[str, int]:
        """Return what it remembers without power, by names of its own."""
        ...

    def restore(self, settings: dict[str, int]) -> None:
        """Replace these settings and restart; the others stay.

        Raises:
            ValueError: It has no such setting, or not with this value.
        """
        ...

    def hear(self, data: bytes, now_ns: int) -> bytes:
        """Carry out the commands in what the host has sent; return the answer."""
        ...

    def interrupt(self) -> None:
        """Forget a command that has begun."""
        ...

    def sample(self, motion: Motion, now_ns: int) -> bytes:
        """Return the frames of one sample; the motion is the unit's own."""
        ...
