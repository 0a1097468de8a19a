"""Gives the motors of a robot their ids and baud rates, one after the other, in the order of the robot YAML."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.workbench.change import change_baudrate, change_id
from sim2real.hardware.workbench.interface import FoundMotor, Hearing, Keeping, Settling, Workbench
from sim2real.hardware.workbench.port import WorkbenchPort
from sim2real.hardware.workbench.recall import recall
from sim2real.hardware.workbench.scan import scan_port
from sim2real.hardware.workbench.written import Written, change_text

_TRIES = 5  # to connect one motor


@dataclass(frozen=True, slots=True)
class SetUp:
    """One motor that has got its id and baud rate."""

    joint: str
    before: FoundMotor
    id: int
    baudrate: int

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return (self.before.id, self.before.baudrate) != (self.id, self.baudrate)


def set_up_joint(
    robot: RobotConfig,
    joint: str,
    opened: WorkbenchPort,
    done: Iterable[int],
    ask: Callable[[str], None],
    tell: Callable[[str], None],
    written: Written | None = None,
) -> SetUp:
    """Give the one new motor on a port the id and the baud rate of a joint; motors that are done may stay connected.

    A new motor that has the id of one that is done is taken for new once the other is seen to be gone.

    Args:
        robot: The robot.
        joint: Name of the joint.
        opened: The port of its bus.
        done: Ids that are done already on this port.
        ask: Gives an instruction and returns when it is done.
        tell: Reports why the instruction is repeated.
        written: Takes note of each write.

    Raises:
        HardwareError: No motor, or more than one new motor, is connected after some tries; it is another model, has
            torque on, or refuses.
    """
    config = robot.joints[joint]
    bus_config = robot.buses[config.bus]
    bus, baudrate = opened.buses[bus_config.protocol], round(bus_config.baudrate)
    if len(bus.baudrates) == 1:  # the line has no baud rate of its own
        baudrate = bus.baudrates[0]
    own_bus = [other.id for other in robot.joints.values() if other.bus == config.bus and other.id != config.id]
    expected = (config.id, *own_bus)
    done = set(done)
    before = _only_new(joint, bus, baudrate, done, expected, ask, tell)
    if not bus.torque_enabled(before.id) and not recall(bus, before):
        tell(f"{joint}: id {before.id} was set and not saved; once more")
        before = _only_new(joint, bus, baudrate, done, expected, ask, tell)
    _check_model(robot, joint, bus, before)
    motor = before
    # The id first: another motor may have the old one at the new baud rate, the joint that is done before, for example.
    if motor.id != config.id:
        change_id(bus, motor, config.id, written)
        motor = _found(bus, config.id, motor.baudrate)
    if motor.baudrate != baudrate:
        change_baudrate(bus, motor, baudrate, written)
    _found(bus, config.id, baudrate)
    return SetUp(joint, before, config.id, baudrate)


def carry_over(robot: RobotConfig, joint: str, bus: Workbench, written: Written) -> list[str]:
    """Write the registers in a joint's calibration to its new motor; return what was changed, one line each.

    So the calibration's registers hold again; where the horn sits on the new motor's shaft, nobody knows.

    Args:
        robot: The robot.
        joint: Name of the joint.
        bus: The workbench of its bus, at its baud rate.
        written: Takes note of each write.

    Raises:
        HardwareError: The motor does not answer, or refuses.
    """
    config = robot.joints[joint]
    if config.calibration is None or not isinstance(bus, Keeping):
        return []
    found = bus.settings(config.id)
    changes = []
    for name, value in config.calibration.registers.items():
        if name in found and found[name] != value:
            changes.append(change_text(name, found[name], value))
            with written.writing(f"motor {config.id}: {changes[-1]}"):
                bus.write_setting(config.id, name, value)
    return changes


def _only_new(
    joint: str,
    bus: Workbench,
    baudrate: int,
    done: set[int],
    expected: tuple[int, ...],
    ask: Callable[[str], None],
    tell: Callable[[str], None],
) -> FoundMotor:
    problem = ""
    was_gone = False  # the motor with the one id that answers
    for _ in range(_TRIES):
        ask(f"{joint}: connect only its motor to the bus")
        shared: list[int] = []
        motors = list(_answering(bus, shared))
        new = [motor for motor in motors if not (motor.id in done and motor.baudrate == baudrate)]
        if was_gone and len(motors) == 1:
            new = motors
        was_gone = False
        if shared:
            problem = f"two motors share id {shared[0]}: connect one at a time"
        elif len(new) > 1 and (own := _all_set_up(new, expected, baudrate)) is not None:
            bus.set_baudrate(baudrate)
            return own
        elif len(new) > 1:
            problem = f"{len(new)} new motors answer (ids {', '.join(str(m.id) for m in new)}): connect one at a time"
        elif new:
            bus.set_baudrate(new[0].baudrate)
            return new[0]
        elif len(motors) == 1:  # the one that was set up before, or a new one: those of most makers have id 1
            taken = motors[0].id
            tell(f"{joint}: one motor answers, and has id {taken}, as a motor that is set up: is it that one?")
            ask(f"{joint}: disconnect every motor")
            was_gone = bus.find(taken, baudrate) is None
            problem = f"a motor with id {taken} is still connected, which may be the one that is set up"
            if was_gone:
                continue
        else:
            problem = "no new motor answers: check power and cable"
        tell(f"{joint}: {problem}")
    raise HardwareError(f"joint {joint!r}: {problem}")


def _all_set_up(motors: list[FoundMotor], expected: tuple[int, ...], baudrate: int) -> FoundMotor | None:
    """Return the motor with the first expected id, if every motor has an expected one and the bus's baud rate."""
    if not all(motor.id in expected and motor.baudrate == baudrate for motor in motors):
        return None
    return next((motor for motor in motors if motor.id == expected[0]), None)


def _answering(bus: Workbench, shared: list[int]) -> Iterator[FoundMotor]:
    """Yield the motors of a bus at all its baud rates; where low ids answer at some, only those are searched."""
    rates = [rate for rate in bus.baudrates if isinstance(bus, Hearing) and bus.hears(rate)]
    known: set[int] = set()
    for rate in rates or bus.baudrates:
        for motor in scan_port({bus.protocol: bus}, rate, shared=shared):
            if motor.id not in known:  # a port without a baud rate of its own answers at each
                known.add(motor.id)
                yield motor


def _check_model(robot: RobotConfig, joint: str, bus: Workbench, motor: FoundMotor) -> None:
    """Raise HardwareError if the motor is not the joint's model; nothing that lasts is written."""
    if not isinstance(bus, Settling):
        return
    number = getattr(robot.joints[joint].motor.registers, "model_number", None)
    if number is not None and motor.model_number != number:
        raise HardwareError(
            f"joint {joint!r} has motor {robot.joints[joint].motor.name} (model number {number}), but the connected "
            f"one is {motor.model or 'an unknown model'} ({motor.model_number})"
        )


def _found(bus: Workbench, motor: int, baudrate: int) -> FoundMotor:
    found = bus.find(motor, baudrate)
    if found is None:
        raise HardwareError(f"motor {motor} does not answer at {baudrate} baud")
    return found
