"""Bench work on a bus whose motors need not be those of a robot: who is there, new ids and speeds, reboots."""

from collections.abc import Callable, Iterable, Iterator

from configs.library import shipped
from configs.load import load_motor
from configs.schema.motor import MotorConfig
from hardware.dynamixel.exchange import Exchange, Identity
from hardware.dynamixel.frame import ID_MAX, Instruction
from hardware.dynamixel.motor import model_name
from hardware.dynamixel.tables import BAUD_CODES, BAUDRATES, ControlTable, x_series_table
from hardware.errors import HardwareError

_REBOOT_TRIES = 40  # of 26 ms each: an X series motor is back after about half a second


class BenchMotor:
    """One motor on the bench, found by its id.

    Attributes:
        identity: Its id, model and firmware.
        config: The shipped motor type of its model.
        table: Its control table.
    """

    def __init__(self, exchange: Exchange, identity: Identity) -> None:
        """Take a motor that answered. Raises HardwareError if no shipped motor type has its model number."""
        self.identity = identity
        self.config = motor_type(identity.model_number)
        self.table: ControlTable = x_series_table(self.config)
        self._exchange = exchange

    @property
    def baudrate(self) -> int:
        """Speed at which it answers."""
        return self._exchange.baudrate

    def get(self, name: str) -> int:
        """Return the value of a register. Raises HardwareError."""
        register = self.table[name]
        return register.decode(self._exchange.read(self.identity.id, register.address, register.size))

    def values(self) -> dict[str, int]:
        """Return the value of every register but the indirect ones. Raises HardwareError."""
        return {register.name: self.get(register.name) for register in self.table if "indirect" not in register.name}

    def set_id(self, new: int) -> None:
        """Give it another id.

        Raises:
            HardwareError: The id is not valid or taken, torque is on, or the motor does not answer to it afterwards.
        """
        if not 0 <= new <= ID_MAX:
            raise HardwareError(f"id {new} is not valid; valid: 0 to {ID_MAX}")
        if new == self.identity.id:
            raise HardwareError(f"motor {new} has this id already")
        taken = self._exchange.ping(new)
        if taken is not None:
            raise HardwareError(f"id {new} is taken by {model_name(taken.model_number)} on this bus")
        self._write_eeprom("id", new)
        if self._exchange.ping(new) is None:
            raise HardwareError(f"motor {self.identity.id} does not answer to id {new} after the change")

    def set_baudrate(self, new: int) -> None:
        """Make it talk at another speed; the line follows.

        Raises:
            HardwareError: The motor cannot do this speed, torque is on, or it does not answer at it afterwards.
        """
        if new not in BAUD_CODES:
            raise HardwareError(f"{new} baud is not valid; valid: {', '.join(map(str, BAUDRATES.values()))}")
        self._write_eeprom("baud_rate", BAUD_CODES[new])
        self._exchange.set_baudrate(new)
        if self._exchange.ping(self.identity.id) is None:
            raise HardwareError(f"motor {self.identity.id} does not answer at {new} baud after the change")

    def reboot(self) -> None:
        """Restart it, which switches torque off and clears latched hardware errors. Raises HardwareError."""
        self._exchange.request(self.identity.id, Instruction.REBOOT, b"", reply_bytes=0, tries=1)
        if self._exchange.ping(self.identity.id, tries=_REBOOT_TRIES) is None:
            raise HardwareError(f"motor {self.identity.id} does not answer after a reboot")
        status = self.get("hardware_error_status")
        if status:
            raise HardwareError(f"motor {self.identity.id}: hardware error 0x{status:02x} is back: its cause is there")

    def _write_eeprom(self, name: str, value: int) -> None:
        if self.get("torque_enable"):
            raise HardwareError(
                f"motor {self.identity.id} has torque on, which locks its EEPROM: end the program that holds it"
            )
        register = self.table[name]
        # The reply may come with the new id or speed already; whether it took shows in the ping that follows.
        parameters = register.address.to_bytes(2, "little") + register.encode(value)
        reply = self._exchange.request(self.identity.id, Instruction.WRITE, parameters, reply_bytes=0, tries=1)
        if reply is not None and reply.error:
            raise HardwareError(f"motor {self.identity.id} refused {name} = {value} (error {reply.error})")


def scan(
    exchange: Exchange, baudrates: Iterable[int], advance: Callable[[int], None] = lambda baudrate: None
) -> Iterator[tuple[int, Identity]]:
    """Yield speed and identity of everybody on the bus, speed by speed; about a second for each.

    Args:
        exchange: The bus.
        baudrates: Speeds to try.
        advance: Called with each speed after it has been tried.

    Raises:
        PortLostError: The port vanished.
    """
    for baudrate in baudrates:
        exchange.set_baudrate(baudrate)
        for identity in exchange.ping_all():
            yield baudrate, identity
        advance(baudrate)


def find_motor(exchange: Exchange, motor: int, baudrates: Iterable[int]) -> BenchMotor:
    """Return the motor with this id, at the first of these speeds at which it answers; the line stays at it.

    Raises:
        HardwareError: Nobody answers, or somebody of a model without a shipped motor type.
    """
    tried = tuple(baudrates)
    for baudrate in tried:
        exchange.set_baudrate(baudrate)
        identity = exchange.ping(motor)
        if identity is not None:
            return BenchMotor(exchange, identity)
    raise HardwareError(f"no motor answers to id {motor} at {', '.join(map(str, tried))} baud")


def motor_type(model_number: int) -> MotorConfig:
    """Return the shipped motor type with this model number. Raises HardwareError, with the known ones."""
    known = [load_motor(name) for name in shipped("motors")]
    for motor in known:
        if motor.dynamixel.model_number == model_number:
            return motor
    names = ", ".join(model_name(motor.dynamixel.model_number) for motor in known)
    raise HardwareError(f"no control table for {model_name(model_number)}; known: {names}")
