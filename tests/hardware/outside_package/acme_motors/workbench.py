"""Single ACME motors on a port."""

import math
from collections.abc import Iterator

from acme_motors.client import TRIES, Client
from acme_motors.driver import BAUDRATES
from acme_motors.frame import EVERYONE, ID_MAX, Operation, Packet, encode
from acme_motors.registers import STATE, Flag, Register, State
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.types import BusCounters
from sim2real.hardware.workbench.interface import Finding, FoundMotor, MotorReading, RegisterReading


class AcmeWorkbench:
    protocol = "acme_bus"
    baudrates = BAUDRATES
    ids = range(ID_MAX + 1)

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._client = Client(transport, clock, BAUDRATES[0], BusCounters())

    def set_baudrate(self, baudrate: int) -> None:
        self._client.set_baudrate(baudrate)

    def scan(self, baudrate: int) -> list[FoundMotor]:
        self.set_baudrate(baudrate)
        found = ((motor, self._client.ping(motor, 1)) for motor in self.ids)
        return [self._found(motor, model) for motor, model in found if model is not None]

    def find(self, motor: int, baudrate: int) -> FoundMotor | None:
        self.set_baudrate(baudrate)
        model = self._client.ping(motor)
        return None if model is None else self._found(motor, model)

    def registers(self, motor: int) -> list[RegisterReading]:
        return [
            RegisterReading(
                register, "eeprom" if register < 2 else "ram", register.name.lower(), self._client.get(motor, register)
            )
            for register in Register
        ]

    def reading(self, motor: int) -> MotorReading:
        state = self._state(motor)
        return MotorReading(state.position, state.velocity, state.effort, state.temperature, state.voltage)

    def power_up_position(self, motor: int) -> float:
        return math.remainder(self._state(motor).position, math.tau)

    def torque_enabled(self, motor: int) -> bool:
        return bool(self._state(motor).flags & Flag.TORQUE)

    def write_id(self, motor: int, new: int) -> None:
        self._client.ask(motor, Operation.SET, bytes((Register.ID,)) + _float(new), 0, 5)

    def write_baudrate(self, motor: int, new: int) -> None:
        raise HardwareError("the speed is set by a jumper")

    def reboot(self, motor: int) -> None:
        self._client.transport.write(encode(Packet(motor, Operation.REBOOT, 0, b"")))

    def findings(self, motor: FoundMotor) -> Iterator[Finding]:
        state = self._state(motor.id)
        yield Finding("voltage", f"{state.voltage:.1f} V", ok=True)

    def _state(self, motor: int) -> State:
        for _ in range(TRIES):
            for packet in self._client.ask(EVERYONE, Operation.STATE, bytes((motor,)), 1, STATE.size).values():
                return State.of(packet.payload)
        raise HardwareError(f"motor {motor} does not answer")

    def _found(self, motor: int, model: int) -> FoundMotor:
        return FoundMotor(motor, self.protocol, self._client.baudrate, model, "ACME", 1)


def _float(value: float) -> bytes:
    from struct import pack

    return pack("<f", value)
