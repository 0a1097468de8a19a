"""The workbench of moteus controllers; implements `Workbench`.

Behind a CAN adapter, a controller has no baud rate of its own. It does not know its motor, and keeps its configuration
only after `conf write` on the diagnostic console. Unsupported actions raise HardwareError.
"""

import math
from collections.abc import Iterator

from sim2real.configs.schema.robot import JointConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.hardware.bus.shared_id import shared_id, sharing
from sim2real.hardware.bus.transport import Transport
from sim2real.hardware.clock import Clock
from sim2real.hardware.errors import HardwareError, PortLostError, ProtocolError
from sim2real.hardware.moteus.audit import COMPARED, differences
from sim2real.hardware.moteus.client import TRIES, Client, asking_id, question
from sim2real.hardware.moteus.commands import STOP
from sim2real.hardware.moteus.console import MEANING, Console, decoded
from sim2real.hardware.moteus.frame import Kind, Resolution, encode_head, scaled
from sim2real.hardware.moteus.identity import IDENTITY, SERIAL_NUMBER, decode_identity, decode_serial_number
from sim2real.hardware.moteus.lines import BROADCAST, encode_send
from sim2real.hardware.moteus.reading import QUERY, Reading, decode_reading
from sim2real.hardware.moteus.tables import REGISTERS, Access, Mode, Register, Unit, advice_for, fault_name
from sim2real.hardware.turns import Window, joint_angle, motor_turns, turn_notice
from sim2real.hardware.workbench.interface import Audit, Finding, FoundMotor, MotorReading, RegisterReading, Settled

_VOLTAGE = (10.0, 44.0)  # moteus-r4, moteus documentation, hardware specifications
_TEMPERATURE_MAX = 75.0  # servo.fault_temperature of an r4


class MoteusWorkbench:
    """Single moteus controllers behind one adapter."""

    protocol = "moteus"
    baudrates = (921_600,)
    ids = range(1, BROADCAST)

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self._client = Client(transport, clock)
        self._console = Console(self._client)
        self._transport = transport
        self._baudrate = self.baudrates[0]
        self.shared: list[int] = []
        """Ids that several controllers share."""
        self._decided = False

    def set_baudrate(self, baudrate: int) -> None:
        """Change the baud rate of the line, which matters only for a UART. Raises HardwareError if unsupported."""
        self._transport.set_baudrate(baudrate)
        self._baudrate = baudrate
        self._decided = False

    def hears(self, baudrate: int) -> bool:
        """Return whether the adapter answers. Raises PortLostError."""
        self.set_baudrate(baudrate)
        return self._adapter_answers()

    def scan(self, baudrate: int) -> list[FoundMotor]:
        """Return every controller that answers a broadcast, by id. Raises PortLostError."""
        self.set_baudrate(baudrate)
        found: dict[int, FoundMotor] = {}
        self.shared = []
        if not self._adapter_answers():
            return []
        for _ in range(TRIES):
            number = self._client.next_number()
            line = encode_send(asking_id(BROADCAST), question(number, IDENTITY), bool(self._client.checksum))
            for answer in self._client.collect(line, number, frozenset(self.ids)):
                found[answer.motor] = self._found(answer.motor, answer.data)
        self.shared = sharing(self._client, found)
        return [found[motor] for motor in sorted(found) if motor not in self.shared]

    def find(self, motor: int, baudrate: int) -> FoundMotor | None:
        """Return the controller that answers to an id; None if none does. Raises PortLostError."""
        self.set_baudrate(baudrate)
        if not self._adapter_answers():
            return None
        data = self._ask_quietly(motor, IDENTITY)
        if data is None:
            return None
        if sharing(self._client, [motor]):
            raise HardwareError(shared_id(motor))
        return self._found(motor, data)

    def registers(self, motor: int) -> list[RegisterReading]:
        """Return all readable registers, as 32-bit integers. Raises HardwareError."""
        readings = []
        for register in REGISTERS.values():
            if register.access == Access.WRITE:
                continue
            data = self._ask(motor, encode_head(Kind.READ, register.address, 1, Resolution.INT32))
            readings += [
                _row(register, piece.value)
                for piece in decoded(data)
                if piece.kind == Kind.REPLY and piece.register == register.address
            ]
        return readings

    def reading(self, motor: int) -> MotorReading:
        """Return the present measurements of a controller. Raises HardwareError."""
        reading = self._reading(motor)
        return MotorReading(
            position=reading.position * math.tau,
            velocity=reading.velocity * math.tau,
            effort=reading.torque,
            temperature=reading.temperature,
            voltage=reading.voltage,
        )

    def power_up_position(self, motor: int) -> float:
        """Return the motor angle within the one absolute turn, rad. Raises HardwareError."""
        position = self._reading(motor).position
        return (position - math.floor(position + 0.5)) * math.tau

    def settle(self, name: str, joint: JointConfig, position_margin: float) -> Settled:
        """Read sign and offset of the output; the driver changes neither. Raises HardwareError."""
        identity = decode_identity(self._ask(joint.id, IDENTITY))
        identity.check(joint, f"joint {name!r} (motor {joint.id})")
        registers = {key: self._console.value(joint.id, key) for key in MEANING}
        serial = decode_serial_number(self._ask(joint.id, SERIAL_NUMBER))
        return Settled(identity.model_number, identity.firmware_text, registers, (), serial)

    def audit(self, name: str, joint: JointConfig, safety: SafetyConfig) -> Audit:
        """Compare a controller with the robot YAML; write nothing. Raises HardwareError if it does not answer."""
        title = f"joint {name!r} (motor {joint.id})"
        reading = self._reading(joint.id)
        refusals, remarks = [], []
        try:
            decode_identity(self._ask(joint.id, IDENTITY)).check(joint, title)
        except PortLostError:
            raise
        except HardwareError as error:
            refusals.append(str(error))
        turns = 0
        if reading.mode == Mode.FAULT:
            refusals.append(f"{title}: fault {fault_name(reading.fault)} is latched: {advice_for(reading.fault)}")
        if not math.isfinite(reading.position):
            refusals.append(f"{title}: has no valid position; check its encoder configuration")
        else:
            window, angle = Window.of(joint, safety.position_margin), reading.position * math.tau
            turns = motor_turns(joint, window, angle)
            problem = window.problem(joint_angle(joint, angle))
            if problem is not None:
                remarks.append(f"{title}: torque will be refused: {problem}")
            elif turns:
                remarks.append(f"{title}: {turn_notice(turns)}")
        return Audit(COMPARED, tuple(differences(self._console, joint, turns)), tuple(refusals), tuple(remarks))

    def alone(self, motor: int) -> bool:
        """Return whether one motor alone answers to an id. Raises PortLostError."""
        return self._adapter_answers() and self._client.alone(motor)

    def silent(self, motor: int) -> bool:
        """Return whether nothing answers to an id. Raises PortLostError."""
        return not self._adapter_answers() or self._client.silent(motor)

    def settings(self, motor: int) -> dict[str, float]:
        """Return the configuration, as `conf enumerate` prints it, without the id. Raises HardwareError."""
        self._adapter_answers()
        found: dict[str, float] = {}
        for line in self._console.run(motor, "conf enumerate").splitlines():
            name, _, text = line.partition(" ")
            if name and name != "id.id":
                try:
                    found[name] = float(text)
                except ValueError:
                    continue  # text, as the names of users are
        return found

    def write_setting(self, motor: int, name: str, value: float) -> None:
        """Set a configuration value, save all, and read it back. Raises HardwareError."""
        self._adapter_answers()
        self._console.run(motor, f"conf set {name} {value:.9g}")
        self._console.run(motor, "conf write")
        found = self._console.value(motor, name)
        if not (math.isclose(found, value, rel_tol=1e-5) or (math.isnan(found) and math.isnan(value))):
            raise HardwareError(f"motor {motor}: {name} is {found:g} after writing {value:g}")

    def recall(self, motor: int) -> None:
        """Load the saved configuration: what was set and not saved would be gone at the next power-up.

        Raises:
            HardwareError: It does not do so.
        """
        self._adapter_answers()
        self._console.load(motor)

    def torque_off(self, motor: int | None = None) -> None:
        """Send a stop to one controller, or to all. Raises PortLostError."""
        to = BROADCAST if motor is None else motor
        lines = [encode_send(to, STOP, checksum) for checksum in self._checksums()]
        self._client.send(b"".join(lines))

    def _checksums(self) -> tuple[bool, ...]:
        """Return how lines are to be sent: without knowing, in both ways; the adapter refuses the wrong one."""
        return (False, True) if self._client.checksum is None else (self._client.checksum,)

    def torque_enabled(self, motor: int) -> bool:
        """Return whether the bridge is on. Raises HardwareError."""
        return self._reading(motor).mode not in (Mode.STOPPED, Mode.FAULT)

    def write_id(self, motor: int, new: int) -> None:
        """Set id.id and save it. Raises HardwareError if the console refuses."""
        self._console.send(motor, f"conf set id.id {new}")
        self._console.output(new)  # the new id takes effect at once
        self._console.run(new, "conf write")

    def write_baudrate(self, motor: int, new: int) -> None:
        """Always raise HardwareError: the controller has no baud rate."""
        raise HardwareError("a moteus behind a CAN adapter has no baud rate of its own")

    def reboot(self, motor: int) -> None:
        """Stop a controller, which clears faults; it has no reboot. Raises HardwareError if a fault persists."""
        for _ in range(TRIES):
            reading = self._reading(motor, STOP)
            if reading.mode == Mode.STOPPED:
                return
        raise HardwareError(f"motor {motor}: fault {fault_name(reading.fault)} persists: {advice_for(reading.fault)}")

    def findings(self, motor: FoundMotor) -> Iterator[Finding]:
        """Yield the findings about a controller. Raises HardwareError."""
        reading = self._reading(motor.id)
        low, high = _VOLTAGE
        yield Finding("firmware", str(motor.firmware), ok=True)
        faulty = reading.mode == Mode.FAULT
        text = fault_name(reading.fault) if faulty else "none"
        yield Finding("fault", text, not faulty, advice_for(reading.fault) if faulty else "")
        in_range = low <= reading.voltage <= high
        advice = "" if in_range else f"a moteus-r4 needs {low:g} to {high:g} V"
        yield Finding("voltage", f"{reading.voltage:.1f} V", in_range, advice)
        cool = reading.temperature <= _TEMPERATURE_MAX
        yield Finding("temperature", f"{reading.temperature:.0f} degC", cool, "" if cool else "let it cool down")
        for name, unit in (("kp", "N*m/rev"), ("kd", "N*m*s/rev")):
            value = self._console.run(motor.id, f"conf get servo.pid_position.{name}")
            yield Finding(name, f"{value} {unit}", ok=True, advice=f"the motor YAML must have {name}: {value}")
        bounds = [self._console.run(motor.id, f"conf get servopos.position_{end}") for end in ("min", "max")]
        shipped = bounds == ["-0.01", "0.01"]
        advice = "widen them (`conf set servopos.position_min nan`), or it faults at the first command"
        yield Finding("position bounds", " to ".join(bounds) + " rev", not shipped, advice if shipped else "")

    def _adapter_answers(self) -> bool:
        """Return whether the adapter answers; on the first answer, detect checksums. Raises PortLostError."""
        if not self._decided:
            try:
                self._client.decide_checksum(BROADCAST)
            except PortLostError:
                raise
            except HardwareError:
                return False
            self._decided = True
        return True

    def _found(self, motor: int, data: bytes) -> FoundMotor:
        identity = decode_identity(data)
        return FoundMotor(motor, self.protocol, self._baudrate, identity.model_number, "moteus", identity.firmware_text)

    def _reading(self, motor: int, first: bytes = b"") -> Reading:
        try:
            return decode_reading(self._ask(motor, first + QUERY))
        except ProtocolError as error:
            raise HardwareError(f"motor {motor}: {error}") from error

    def _ask(self, motor: int, data: bytes) -> bytes:
        """Query a controller; return its reply. Raises HardwareError if none arrives."""
        answer = self._ask_quietly(motor, data) if self._adapter_answers() else None
        if answer is None:
            raise HardwareError(f"motor {motor} does not answer")
        return answer

    def _ask_quietly(self, motor: int, data: bytes) -> bytes | None:
        for _ in range(TRIES):
            answers = self._client.ask({motor: data})
            if motor in answers:
                return answers[motor].data
        return None


def _row(register: Register, value: float) -> RegisterReading:
    return RegisterReading(register.address, "ram", register.name, int(value), _text(register, value))


def _text(register: Register, value: float) -> str:
    """Return the text of a register value."""
    if register.name == "mode" and value in _MODES:
        return Mode(int(value)).name.lower().replace("_", " ")
    if register.name == "fault" and value:
        return fault_name(int(value))
    if register.unit is Unit.NUMBER:
        return ""
    number = scaled(value, Resolution.INT32, register.unit.scale(Resolution.INT32))
    return "none" if math.isnan(number) else f"{number:.6g} {register.unit.symbol}"


_MODES = frozenset(Mode)
