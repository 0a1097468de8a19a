"""Emulates motors on a bus without a robot's YAML, for drivers of any origin."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.configs.families import MOTOR_FAMILIES
from sim2real.configs.load import as_faults, load_motor
from sim2real.configs.schema.motor import MotorConfig
from sim2real.configs.schema.robot import BusConfig, JointConfig, ReadyConfig, RobotConfig
from sim2real.configs.schema.safety import SafetyConfig
from sim2real.configs.schema.scenario import FaultsConfig
from sim2real.hardware.emulator.hand_orders import HandClient
from sim2real.hardware.emulator.process import EmulatorProcess, emulate

_BUS: Final = "bus"
_TURNS = 628.0
"""rad, 100 turns each way: the emulated motors have no joints that could end them."""


@dataclass(frozen=True)
class EmulatedMotors:
    """Motors behind one pseudo-terminal."""

    port: str
    """Path to open as a serial port."""
    baudrate: int
    ids: tuple[int, ...]
    protocol: str
    _process: EmulatorProcess

    @property
    def hands(self) -> HandClient:
        """Hold, move and load the shafts, `motor_3` for id 3; plug and unplug motors and the adapter `bus`."""
        return self._process.hands

    def warnings(self) -> list[str]:
        """Return the emulator's warnings so far: it could not keep up, or broke down."""
        return self._process.warnings()


@contextmanager
def emulate_motors(
    motor: str | Path | MotorConfig,
    ids: Iterable[int],
    *,
    baudrate: float = 1e6,
    faults: str | Path | FaultsConfig | None = None,
) -> Iterator[EmulatedMotors]:
    """Emulate motors of one type behind a pseudo-terminal, in real time, for the duration of the block.

    They answer with the bytes of real motors. Each turns freely: only its rotor and its friction resist it.

    Args:
        motor: A shipped motor type, a YAML file, or a loaded one.
        ids: Their ids on the bus.
        baudrate: baud, of motors and port.
        faults: Faults to inject: shipped faults, a YAML file, or loaded ones. Motor 3 is the joint `motor_3`, the
            bus is `bus`.

    Yields:
        The port.

    Raises:
        UserError: No such motor, an id that its family does not have or that is given twice, or faults that do not fit.
    """
    config = motor if isinstance(motor, MotorConfig) else load_motor(str(motor))
    robot = robot_of_motors(config, tuple(ids), baudrate)
    script = None if faults is None else as_faults(faults)
    with emulate(robot, plant="inertia", faults=script) as process:
        protocol = robot.buses[_BUS].protocol
        yield EmulatedMotors(
            process.ports[_BUS], round(baudrate), tuple(j.id for j in robot.joints.values()), protocol, process
        )


def robot_of_motors(motor: MotorConfig, ids: tuple[int, ...], baudrate: float) -> RobotConfig:
    """Return a robot that is nothing but motors of one type on one bus.

    Args:
        motor: The type.
        ids: Their ids.
        baudrate: baud.

    Raises:
        UserError: No id, one that is given twice, or one that the family does not have.
    """
    family = MOTOR_FAMILIES[motor.family]
    valid = f"valid for the family {motor.family}: one or more different ids from {family.ids[0]} to {family.ids[-1]}"
    if not ids:
        raise UserError(f"no id for {motor.name}; {valid}")
    for number, motor_id in enumerate(ids):
        if motor_id not in family.ids or motor_id in ids[:number]:
            raise UserError(f"id {motor_id} of {motor.name}; {valid}")
    mode = next(mode for mode in family.modes if motor.registers.why_not(mode) is None)
    joint: JointConfig = JointConfig.model_construct(
        motor=motor,
        bus=_BUS,
        id=0,
        mode=mode,  # type: ignore[arg-type] # one of the family's
        direction=1,
        zero=0.0,
        default_position=0.0,
        position_limits=(-_TURNS, _TURNS),
        velocity_limit=motor.nominal.no_load_speed,
        effort_limit=motor.nominal.effort_max,
    )
    low, high = motor.voltage_range
    # Only the runtime reads safety and start pose, and it never sees this robot.
    return RobotConfig(
        name="motors",
        buses={_BUS: BusConfig(protocol=family.protocol, baudrate=f"{baudrate} baud", port="")},
        joints={f"motor_{motor_id}": joint.model_copy(update={"id": motor_id}) for motor_id in ids},
        supply_voltage=f"{motor.nominal.voltage} V",
        safety=SafetyConfig(
            watchdog="100 ms",
            reading_age_max="50 ms",
            communication_loss="200 ms",
            missed_ticks_max=20,
            temperature_max="70 degC",
            voltage_range=(f"{low} V", f"{high} V"),
            position_margin="1 rad",
            velocity_margin="1 rad/s",
        ),
        ready=ReadyConfig(speed="1 rad/s", tolerance="1 rad", timeout="1 s"),
    )
