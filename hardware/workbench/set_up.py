"""Gives the motors of a robot their ids and baud rates, one after the other, in the order of the robot YAML."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.errors import HardwareError
from sim2real.hardware.workbench.change import change_baudrate, change_id
from sim2real.hardware.workbench.interface import FoundMotor, Hearing, Keeping, Settling, Workbench
from sim2real.hardware.workbench.port import WorkbenchPort
from sim2real.hardware.workbench.scan import scan_port

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
) -> SetUp:
    """Give the one new motor on a port the id and the baud rate of a joint; motors that are done may stay connected.

    Args:
        robot: The robot.
        joint: Name of the joint.
        opened: The port of its bus.
        done: Ids that are done already on this port.
        ask: Gives an instruction and returns when it is done.
        tell: Reports why the instruction is repeated.

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
    before = _only_new(joint, bus, baudrate, set(done), expected, ask, tell)
    _check_model(robot, joint, bus, before)
    motor = before
    if motor.baudrate != baudrate:
        change_baudrate(bus, motor, baudrate)
        motor = _found(bus, motor.id, baudrate)
    if motor.id != config.id:
        change_id(bus, motor, config.id)
    _found(bus, config.id, baudrate)
    return SetUp(joint, before, config.id, baudrate)


def carry_over(robot: RobotConfig, joint: str, bus: Workbench) -> list[str]:
    """Write the registers in a joint's calibration to its new motor; return what was changed, one line each.

    So the calibration's registers hold again; where the horn sits on the new motor's shaft, nobody knows.

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
            bus.write_setting(config.id, name, value)
            changes.append(f"{name.replace('_', ' ')} set from {found[name]:g} to {value:g}")
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
    for _ in range(_TRIES):
        ask(f"{joint}: connect only its motor to the bus")
        shared: list[int] = []
        motors = list(_answering(bus, shared))
        new = [motor for motor in motors if not (motor.id in done and motor.baudrate == baudrate)]
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
