"""The registers of one motor by name: reads, writes, and writes to EEPROM only where it differs."""

from sim2real.hardware.bus.named_registers import NamedRegisters
from sim2real.hardware.bus.shared_id import prove_alone
from sim2real.hardware.dynamixel.client import Client
from sim2real.hardware.dynamixel.registers import ControlTable, Register
from sim2real.hardware.errors import HardwareError

_EEPROM_TRIES = 3


class MotorRegisters(NamedRegisters[Register, Client]):
    """The control table of the motor of one joint."""

    def __init__(self, joint: str, motor: int, table: ControlTable, client: Client) -> None:
        """Prepare the access; nothing is sent.

        Args:
            joint: Name of the joint.
            motor: Id on the bus.
            table: Control table of the model.
            client: Client of the bus, with retries.
        """
        super().__init__(joint, motor, table, client)
        self._proven = False  # that no other motor shares its id

    def set(self, name: str, value: int) -> None:
        """Set a register. Raises HardwareError if the motor does not answer or refuses."""
        register = self.table[name]
        try:
            self._client.write(self.id, register.address, register.encode(value))
        except HardwareError as error:
            raise type(error)(f"{self.name}, {name} = {value}: {error}") from error

    def ensure(self, name: str, value: int) -> None:
        """Write an EEPROM register if it differs. Each write wears it, so a second one follows only a known failure.

        Raises:
            HardwareError: The motor does not answer, refuses, or has another value afterwards; or shares its id.
        """
        before = self.get(name)
        if before == value:
            return
        if not self._proven:
            prove_alone(self._client, self.id)
            self._proven = True
        register = self.table[name]
        for _ in range(_EEPROM_TRIES):
            self.settings_written += 1
            try:
                self._client.write_once(self.id, register.address, register.encode(value))
            except HardwareError as error:
                raise type(error)(f"{self.name}, {name} = {value}: {error}") from error
            if self.get(name) == value:  # whatever became of the reply
                break
        else:
            raise HardwareError(f"{self.name}: {name} is still {before} after writing {value}")
        self.notices.append(f"{self.name}: {name.replace('_', ' ')} set from {before} to {value}")
