"""The memory of an emulated STS motor: EEPROM behind its lock, RAM, and what a write may change."""

from collections.abc import Iterator, Mapping

from sim2real.hardware.feetech.tables import EEPROM_END, MEMORY_BYTES, MemoryTable, Register


class Memory:
    """Bytes by address. What is written to EEPROM counts at once; it outlives a power cycle only if Lock (55) is 0.

    A motor refuses nothing. A write to a register that is read-only, and a value outside its range, change nothing; how
    the firmware treats the latter is not documented, so this is an assumption.
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
        """Set a register as the firmware itself does, past all rules; EEPROM keeps it."""
        register = self.table[name]
        self._put(register, register.encode(value), save=register.area == "eeprom")

    def power_up(self) -> None:
        """Forget RAM, and of EEPROM what was written under the lock."""
        self.bytes[:EEPROM_END] = self._saved
        for register in self.table:
            if register.area == "ram":
                self._put(register, register.encode(register.initial), save=False)
        self.set("torque_limit", self.get("max_torque"))

    def reset_eeprom(self, keep: tuple[str, ...]) -> None:
        """Set EEPROM to its factory values, all but the registers named."""
        for register in self.table:
            if register.area == "eeprom" and register.name not in keep:
                self._put(register, register.encode(register.initial), save=True)

    def saved(self) -> dict[str, float]:
        """Return the registers of EEPROM that can be written, as they are after a power cycle."""
        return {
            register.name: register.decode(self._saved[register.address : register.end])
            for register in self._settable()
        }

    def restore(self, saved: Mapping[str, float]) -> None:
        """Set registers of EEPROM to what `saved` returned. Raises ValueError if a name or value is invalid."""
        settable = {register.name: register for register in self._settable()}
        for name, value in saved.items():
            register = settable.get(name)
            if register is None or not register.minimum <= value <= register.maximum:
                raise ValueError(f"{name} = {value}")
            self.set(name, int(value))

    def _settable(self) -> Iterator[Register]:
        return (register for register in self.table if register.area == "eeprom" and register.access == "rw")

    def read(self, address: int, length: int) -> bytes:
        """Return the bytes of a block; behind the memory they are zero."""
        return bytes(self.bytes[address : address + length]).ljust(length, b"\0")

    def write(self, address: int, data: bytes) -> list[Register]:
        """Write a block; return the registers that took a value, by address."""
        taken: list[Register] = []
        end = address + len(data)
        save = self.get("lock") == 0  # as it is when the block arrives
        for register in self.table.covering(address, len(data)):
            merged = bytearray(self.bytes[register.address : register.end])
            first, last = max(address, register.address), min(end, register.end)
            merged[first - register.address : last - register.address] = data[first - address : last - address]
            if register.access == "rw" and register.minimum <= register.decode(merged) <= register.maximum:
                self._put(register, bytes(merged), save and register.area == "eeprom")
                taken.append(register)
        return taken

    def _put(self, register: Register, data: bytes, save: bool) -> None:
        self.bytes[register.address : register.end] = data
        if save:
            self._saved[register.address : register.end] = data
