"""The memory of an emulated X-series motor: EEPROM and RAM with the access rules of the control table."""

from collections.abc import Callable, Iterator, Mapping

from sim2real.hardware.dynamixel.frame import StatusError
from sim2real.hardware.dynamixel.tables import EEPROM_END, ControlTable, Register

_GOALS = ("goal_pwm", "goal_current", "goal_velocity", "goal_position")
_PWM_MODE, _POSITION_MODE = 16, 3
# Goal register -> register that limits its magnitude.
_MAGNITUDE_LIMITS = {"goal_pwm": "pwm_limit", "goal_current": "current_limit", "goal_velocity": "velocity_limit"}

_IN_BACKUP = "backup."
_RAM_IN_BACKUP = frozenset(
    (
        *("velocity_i_gain", "velocity_p_gain", "position_d_gain", "position_i_gain", "position_p_gain"),
        *("feedforward_2nd_gain", "feedforward_1st_gain", "profile_acceleration", "profile_velocity"),
    )
)

_SPLITS_MAX = 64  # layouts of writes to remember; a driver uses a handful

Change = tuple[Register, int]


class Memory:
    """Bytes by address. EEPROM survives a power cycle, RAM does not; indirect data refer to other addresses."""

    def __init__(self, table: ControlTable, modes: tuple[int, ...]) -> None:
        """Make the memory of a motor with factory values.

        Args:
            table: The control table.
            modes: Valid values of Operating Mode (11).
        """
        self.table = table
        # Where each register is, and whether it is signed: `get` is called a hundred thousand times a second.
        self._places = {register.name: (register.address, register.end, register.signed) for register in table}
        self._split_before: dict[tuple[int, int], tuple[Register, ...]] = {}
        self._modes = modes
        self._firmware = table["firmware_version"].initial
        self.bytes = bytearray(table.end)
        self._indirect = {
            register.address: table[f"indirect_address_{register.name.rsplit('_', 1)[1]}"].address
            for register in table
            if register.name.startswith("indirect_data_")
        }
        self._indirect_first = min(self._indirect)
        self._backup: dict[str, int] = {}
        self.reset_eeprom(keep=())
        self.reset_ram()

    def get(self, name: str) -> int:
        """Return the value of a register."""
        address, end, signed = self._places[name]
        return int.from_bytes(self.bytes[address:end], "little", signed=signed)

    def has(self, name: str) -> bool:
        """Return whether the model has a register."""
        return name in self.table

    def implements(self, name: str) -> bool:
        """Return whether the firmware of this motor has a register that later ones have."""
        return self.has(name) and self.table[name].since <= self._firmware

    def set(self, name: str, value: int) -> None:
        """Set a register as the firmware does, without the access rules."""
        address, end, signed = self._places[name]
        self.bytes[address:end] = value.to_bytes(end - address, "little", signed=signed)

    def reset_ram(self) -> None:
        """Set RAM to its values after power-up."""
        self._reset("ram", ())
        if self.implements("backup_ready"):
            self.set("backup_ready", int(bool(self._backup)))

    def reset_eeprom(self, keep: tuple[str, ...]) -> None:
        """Set EEPROM to its factory values, except the registers in `keep`."""
        self._reset("eeprom", keep)

    def saved(self) -> dict[str, float]:
        """Return the writable registers of EEPROM, by name, and those of the backup area as `backup.NAME`."""
        eeprom = {register.name: float(self.get(register.name)) for register in self._writable_eeprom()}
        return eeprom | {f"{_IN_BACKUP}{name}": float(value) for name, value in self._backup.items()}

    def restore(self, saved: Mapping[str, float]) -> None:
        """Restore registers from `saved`. Raises ValueError if a name or value is invalid."""
        settable = {register.name: register for register in self._writable_eeprom()}
        kept = {f"{_IN_BACKUP}{register.name}": register for register in self._backed_up()}
        for name, value in saved.items():
            register = settable.get(name) or kept.get(name)
            if register is None or not register.minimum <= value <= register.maximum:
                raise ValueError(f"{name} = {value}")
            if name in kept:
                self._backup[register.name] = int(value)
            else:
                self.set(name, int(value))

    def store_backup(self) -> None:
        """Store what the backup area keeps; it survives a power cycle and a factory reset."""
        self._backup = {register.name: self.get(register.name) for register in self._backed_up()}
        self.set("backup_ready", 1)

    def eeprom_from_backup(self) -> bool:
        """Set EEPROM to the backup; return whether there is one."""
        self._from_backup("eeprom")
        return bool(self._backup)

    def ram_from_backup(self) -> None:
        """Set gains, profile and indirect addresses to those of the backup, if there is one."""
        self._from_backup("ram")

    def _from_backup(self, area: str) -> None:
        for name, value in self._backup.items():
            if self.table[name].area == area:
                self.set(name, value)

    def _backed_up(self) -> Iterator[Register]:
        """Yield what a backup keeps: EEPROM, gains, profile and indirect addresses (e-Manual, Control Table Backup)."""
        yield from self._writable_eeprom()
        for register in self.table:
            if register.name in _RAM_IN_BACKUP or register.name.startswith("indirect_address_"):
                yield register

    def _writable_eeprom(self) -> Iterator[Register]:
        return (register for register in self.table if register.area == "eeprom" and register.access == "rw")

    def _reset(self, area: str, keep: tuple[str, ...]) -> None:
        for register in self.table:
            if register.area == area and register.name not in keep:
                self.bytes[register.address : register.end] = register.encode(register.initial)

    def read(self, address: int, length: int) -> bytes | StatusError:
        """Return the bytes of a block, or an error. Gaps inside the table read as zero."""
        end = address + length
        if length < 1:
            return StatusError.DATA_LENGTH
        if end > len(self.bytes):
            return StatusError.ACCESS
        if end <= self._indirect_first:
            return bytes(self.bytes[address:end])
        return bytes(self.bytes[self._target(a)] for a in range(address, end))

    def check(self, address: int, data: bytes, tripped: bool) -> list[Change] | StatusError:
        """Return the changes of a block write, or the error if any part is refused.

        Args:
            address: First address.
            data: Bytes from that address on.
            tripped: Whether the bus watchdog has expired; goals are then refused.
        """
        if not data:
            return StatusError.DATA_LENGTH
        changes: list[Change] = []
        for start, block in self._runs(address, data):
            error = self._split(start, block, changes)
            if error is not None:
                return error
        for register, value in changes:
            error = self._refusal(register, value, tripped)
            if error is not None:
                return error
        return changes

    def apply(self, changes: list[Change]) -> None:
        """Write checked changes."""
        for register, value in changes:
            self.bytes[register.address : register.end] = register.encode(value)

    def _target(self, address: int) -> int:
        """Return the address that an address refers to: another one only for indirect data."""
        pointer = self._indirect.get(address)
        if pointer is None:
            return address
        target = self.bytes[pointer] | self.bytes[pointer + 1] << 8
        return target if target < len(self.bytes) else address

    def _runs(self, address: int, data: bytes) -> list[tuple[int, bytes]]:
        """Split a write into blocks with contiguous target addresses."""
        if address + len(data) <= self._indirect_first:
            return [(address, data)]
        runs: list[tuple[int, bytes]] = []
        targets = [self._target(address + offset) for offset in range(len(data))]
        start = 0
        for offset in range(1, len(data) + 1):
            if offset == len(data) or targets[offset] != targets[offset - 1] + 1:
                runs.append((targets[start], data[start:offset]))
                start = offset
        return runs

    def _split(self, address: int, data: bytes, changes: list[Change]) -> StatusError | None:
        """Append the registers and values of one block to `changes`; return an error if it splits a register."""
        known = self._split_before.get((address, len(data)))
        if known is not None:
            at = 0
            for each in known:
                changes.append((each, each.decode(data[at : at + each.size])))
                at += each.size
            return None
        first, offset = len(changes), 0
        while offset < len(data):
            register = self.table.at(address + offset)
            if register is None:
                inside = self.table.overlapping(address + offset, 1)
                return StatusError.DATA_LENGTH if inside else StatusError.ACCESS
            if len(data) - offset < register.size:
                return StatusError.DATA_LENGTH
            changes.append((register, register.decode(data[offset : offset + register.size])))
            offset += register.size
        if len(self._split_before) < _SPLITS_MAX:
            self._split_before[address, len(data)] = tuple(register for register, _ in changes[first:])
        return None

    def _refusal(self, register: Register, value: int, tripped: bool) -> StatusError | None:
        if register.access == "r" or (register.address < EEPROM_END and self.get("torque_enable")):
            return StatusError.ACCESS
        if register.since > self._firmware:
            return StatusError.ACCESS
        if not register.minimum <= value <= register.maximum or not self._is_known_value(register.name, value):
            return StatusError.DATA_RANGE
        if tripped and (register.name in _GOALS or (register.name == "bus_watchdog" and value != 0)):
            return StatusError.DATA_RANGE
        if register.name in _GOALS and not self._within_limits(register.name, value):
            return StatusError.DATA_LIMIT
        return None

    def _within_limits(self, name: str, value: int) -> bool:
        if name == "goal_position":
            if self.get("operating_mode") != _POSITION_MODE:
                return True
            return self.get("min_position_limit") <= value <= self.get("max_position_limit")
        limit = self.get(_MAGNITUDE_LIMITS[name])
        return -limit <= value <= limit

    def _is_known_value(self, name: str, value: int) -> bool:
        """Return whether a value within the range of its register is valid for the firmware."""
        if name == "operating_mode":
            return value in self._modes
        known = _KNOWN_VALUES.get(name)
        return known is None or known(value)


_KNOWN_VALUES: dict[str, Callable[[int], bool]] = {
    # Protocol 1.0 is not modelled: the write is refused, where real hardware would stop answering.
    "protocol_type": lambda value: value == 2,
    "drive_mode": lambda value: value & ~0b1101 == 0,
}
