"""The registers of one motor by name: what families with byte-addressed memory share."""

from typing import Generic, Protocol, TypeVar

from sim2real.hardware.bus.register_table import Entry, RegisterTable
from sim2real.hardware.errors import HardwareError


class CodedEntry(Entry, Protocol):
    """A register whose value can be decoded."""

    @property
    def size(self) -> int:
        """Bytes."""

    def decode(self, data: bytes) -> int:
        """Return the value in the bytes of the register."""


class ReadingClient(Protocol):
    """Reads the memory of motors on one bus, with retries."""

    def read(self, motor: int, address: int, size: int) -> bytes:
        """Return the bytes of a block. Raises HardwareError."""


CodedEntryT = TypeVar("CodedEntryT", bound=CodedEntry)
ClientT = TypeVar("ClientT", bound=ReadingClient)


class NamedRegisters(Generic[CodedEntryT, ClientT]):
    """The register table of the motor of one joint.

    Attributes:
        joint: Name of the joint.
        id: Id on the bus.
        table: Register table.
        notices: Persistent changes made to the motor, one line each.
        settings_written: Number of writes to EEPROM.
    """

    def __init__(self, joint: str, motor: int, table: RegisterTable[CodedEntryT], client: ClientT) -> None:
        """Prepare the access; nothing is sent.

        Args:
            joint: Name of the joint.
            motor: Id on the bus.
            table: Register table of the model.
            client: Client of the bus, with retries.
        """
        self.joint = joint
        self.id = motor
        self.table = table
        self.notices: list[str] = []
        self.settings_written = 0
        self._client = client

    @property
    def name(self) -> str:
        """The motor's name in messages."""
        return f"joint {self.joint!r} (motor {self.id})"

    def get(self, name: str) -> int:
        """Return the value of a register. Raises HardwareError if the motor does not answer or refuses."""
        register = self.table[name]
        try:
            return register.decode(self._client.read(self.id, register.address, register.size))
        except HardwareError as error:
            raise type(error)(f"{self.name}, {name}: {error}") from error
