"""Memory of motors as it would be after writes that were not sent."""

from collections.abc import Mapping


class RehearsedMemory:
    """What would have been written, over what is read from the motors.

    A driver that sets a motor up over it shows what it would change, and nothing is changed.
    """

    def __init__(self) -> None:
        self._written: dict[tuple[int, int], int] = {}  # byte by motor and address
        self._read: set[tuple[int, int]] = set()

    def write(self, motor: int, address: int, data: bytes) -> None:
        """Note bytes instead of writing them."""
        for place, byte in enumerate(data, address):
            self._written[motor, place] = byte

    def read(self, motor: int, address: int, data: bytes) -> bytes:
        """Return a block as it would be, from the block as it is."""
        places = [(motor, place) for place in range(address, address + len(data))]
        self._read.update(places)
        return bytes(self._written.get(place, byte) for place, byte in zip(places, data, strict=True))

    def was_read(self, motor: int, address: int) -> bool:
        """Return whether a byte was looked at."""
        return (motor, address) in self._read

    def changed(self, motor: int, found: Mapping[int, int]) -> set[int]:
        """Return the addresses at which the bytes found, by address, would be others."""
        return {place for place, byte in found.items() if self._written.get((motor, place), byte) != byte}
