"""The registers of one STS motor by name: writes are read back, and EEPROM is written only where it differs."""

from sim2real.hardware.bus.named_registers import NamedRegisters
from sim2real.hardware.bus.shared_id import prove_alone
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.feetech.client import Client
from sim2real.hardware.feetech.frame import Instruction
from sim2real.hardware.feetech.tables import Register

_WRITE_TRIES = 5
_EEPROM_TRIES = 3


class MotorRegisters(NamedRegisters[Register, Client]):
    """The memory table of the motor of one joint."""

    def set(self, name: str, value: int) -> None:
        """Set a register and read it back, because replies of this family do not confirm a write.

        Raises:
            HardwareError: The motor does not answer, or the register still has another value.
        """
        register = self.table[name]
        before = None
        for _ in range(_WRITE_TRIES):
            self._client.write(self.id, register.address, register.encode(value))
            before = self.get(name)
            if before == value:
                return
        raise HardwareError(f"{self.name}: {name} is still {before} after writing {value}")

    def ensure(self, wanted: dict[str, int]) -> None:
        """Write the EEPROM registers that differ; unlock EEPROM only for these writes.

        Each write wears it, so a second one follows only a known failure of the first.
        """
        before = {name: self.get(name) for name in wanted}
        changes = {name: value for name, value in wanted.items() if before[name] != value}
        if not changes:
            return
        prove_alone(self._client, self.id)
        self.set("lock", 0)
        try:
            for name, value in changes.items():
                self._write_eeprom(name, value)
                self.notices.append(f"{self.name}: {name.replace('_', ' ')} set from {before[name]} to {value}")
        finally:
            self.set("lock", 1)

    def _write_eeprom(self, name: str, value: int) -> None:
        register = self.table[name]
        parameters = bytes((register.address,)) + register.encode(value)
        for _ in range(_EEPROM_TRIES):
            self.settings_written += 1
            self._client.request(self.id, Instruction.WRITE, parameters, reply_bytes=0, tries=1)
            after = self.get(name)  # whatever became of the reply
            if after == value:
                return
        raise HardwareError(f"{self.name}: {name} is still {after} after writing {value}")
