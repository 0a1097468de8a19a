"""The memory of an emulated STS motor: EEPROM with its lock, RAM, and the effect of writes."""

from collections.abc import Iterator, Mapping

from sim2real.hardware.feetech.tables import EEPROM_END, MEMORY_BYTES, MemoryTable, Register


class Memory:
    """Bytes by address. A write to EEPROM takes effect at once; it survives a power cycle only if Lock (55) is 0.

    A motor never reports an error. Writes to read-only registers and values outside the range are ignored; for the
    latter this is an assumption, because it is not documented.
    """

    def __init__(self, table: MemoryTable) -> None:
        self.table = table
        self.bytes = bytearray(MEMORY_BYTES)
        self._saved = bytearray(EEPROM_END)
        self.reset_eeprom(keep=())
        self.power_up()

    def get(self, name: str) -> int:
        """Return the value of a register."""
        register = self.table[name]
        return register.decode(self.bytes[register.address : register.end])

    def set(self, name: str, value: int) -> None:
        """Set a register as the firmware does, without the access rules; EEPROM values are persistent."""
        register = self.table[name]
        self._put(register, register.encode(value), save=register.area == "eeprom")

    def power_up(self) -> None:
        """Reset RAM, and the EEPROM values that were written while locked."""
        self.bytes[:EEPROM_END] = self._saved
        for register in self.table:
            if register.area == "ram":
                self._put(register, register.encode(register.initial), save=False)
        self.set("torque_limit", self.get("max_torque"))

    def reset_eeprom(self, keep: tuple[str, ...]) -> None:
        """Set EEPROM to its factory values, except the registers in `keep`."""
        for register in self.table:
            if register.area == "eeprom" and register.name not in keep:
                self._put(register, register.encode(register.initial), save=True)

    def saved(self) -> dict[str, float]:
        """Return the writable registers of EEPROM, by name."""
        return {
            register.name: register.decode(self._saved[register.address : register.end])
            for register in self._writable_eeprom()
        }

    def restore(self, saved: Mapping[str, float]) -> None:
        """Restore registers from `saved`. Raises ValueError if a name or value is invalid."""
        settable = {register.name: register for register in self._writable_eeprom()}
        for name, value in saved.items():
            register = settable.get(name)
            if register is None or not register.minimum <= value <= register.maximum:
                raise ValueError(f"{name} = {value}")
            self.set(name, int(value))

    def _writable_eeprom(self) -> Iterator[Register]:
        return (register for register in self.table if register.area == "eeprom" and register.access == "rw")

    def read(self, address: int, length: int) -> bytes:
        """Return the bytes of a block; zero after the end of the memory."""
        return bytes(self.bytes[address : address + length]).ljust(length, b"\0")

    def write(self, address: int, data: bytes) -> list[Register]:
        """Write a block; return the registers that were changed, by address."""
        written: list[Register] = []
        end = address + len(data)
        save = self.get("lock") == 0  # before the block is written
        for register in self.table.overlapping(address, len(data)):
            merged = bytearray(self.bytes[register.address : register.end])
            first, last = max(address, register.address), min(end, register.end)
            merged[first - register.address : last - register.address] = data[first - address : last - address]
            if register.access == "rw" and register.minimum <= register.decode(merged) <= register.maximum:
                self._put(register, bytes(merged), save and register.area == "eeprom")
                written.append(register)
        return written

    def _put(self, register: Register, data: bytes, save: bool) -> None:
        self.bytes[register.address : register.end] = data
        if save:
            self._saved[register.address : register.end] = data
