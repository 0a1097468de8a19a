"""Compares the motors of a robot with its YAML, and sets right what differs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.bus.shared_id import prove_alone
from sim2real.hardware.errors import HardwareError, PortLostError
from sim2real.hardware.workbench.interface import Audit, Auditing, Keeping, Workbench
from sim2real.hardware.workbench.recall import recall
from sim2real.hardware.workbench.written import Written, change_text


@dataclass(frozen=True, slots=True)
class JointCheck:
    """The motor of one joint, compared with the robot YAML."""

    joint: str
    id: int
    audit: Audit
    written: tuple[str, ...] = ()
    """What was set, one line each."""

    @property
    def ok(self) -> bool:
        """Whether the robot can be opened, and nothing differs."""
        return not self.audit.differences and not self.audit.refusals


def check_joints(robot: RobotConfig, bus_name: str, bus: Workbench, *, saved: bool = False) -> list[JointCheck]:
    """Compare the motors of one bus with the robot YAML; write nothing.

    A motor that does not answer, or shares its id, is a refusal of its joint.

    Args:
        robot: The robot.
        bus_name: Name of the bus.
        bus: Its workbench.
        saved: Whether motors without torque first leave in force only what they have saved; see `recall`.

    Raises:
        PortLostError: The port vanished.
        HardwareError: The family compares nothing.
    """
    if not isinstance(bus, Auditing):
        raise HardwareError(f"the family of {bus.protocol} compares nothing with a robot YAML")
    return [_checked(robot, name, bus, saved=saved) for name, joint in robot.joints.items() if joint.bus == bus_name]


def fix_joints(robot: RobotConfig, checks: Iterable[JointCheck], bus: Workbench, written: Written) -> list[JointCheck]:
    """Write every setting that differs, torque off, and compare again; each write is counted in the check's `written`.

    Args:
        robot: The robot.
        checks: The motors of one bus, compared.
        bus: Its workbench.
        written: Takes note of each write.

    Raises:
        HardwareError: A motor has torque on, shares its id, or refuses a value; the settings before are written.
    """
    done = []
    for check in checks:
        motor = check.id
        if not check.audit.differences or not isinstance(bus, Keeping):
            done.append(check)
            continue
        title = f"joint {check.joint!r} (motor {motor})"
        try:
            prove_alone(bus, motor)
            if bus.torque_enabled(motor):
                raise HardwareError(
                    f"motor {motor} has torque on: stop the program that holds it, or `sim2real motors torque-off`"
                )
            lines = []
            for found in check.audit.differences:
                lines.append(change_text(found.register, found.found, found.wanted))
                with written.writing(f"{title}: {lines[-1]}"):
                    bus.write_setting(motor, found.register, found.wanted)
        except HardwareError as error:
            raise type(error)(f"{title}: {error}") from error
        done.append(replace(_checked(robot, check.joint, bus), written=tuple(lines)))
    return done


def _checked(robot: RobotConfig, name: str, bus: Workbench, *, saved: bool = False) -> JointCheck:
    joint = robot.joints[name]
    try:
        motor = bus.find(joint.id, round(robot.buses[joint.bus].baudrate))
        if motor is not None and saved and not bus.torque_enabled(joint.id) and not recall(bus, motor):
            motor = None
        if motor is None:
            raise HardwareError(
                f"joint {name!r} (motor {joint.id}) does not answer at {robot.buses[joint.bus].baudrate:.0f} baud; "
                "`sim2real motors scan --port PORT` lists what does"
            )
        found = bus.audit(name, joint, robot.safety) if isinstance(bus, Auditing) else Audit(0, (), (), ())
        found = replace(found, refusals=(*found.refusals, *_wrong_supply(robot, name, bus.reading(joint.id).voltage)))
    except PortLostError:
        raise
    except HardwareError as error:
        found = Audit(0, (), (str(error),), ())
    return JointCheck(name, joint.id, found)


def _wrong_supply(robot: RobotConfig, name: str, volts: float) -> Iterator[str]:
    """Yield what is wrong with the voltage (V, NaN where unknown) that a joint's motor has."""
    joint = robot.joints[name]
    low, high = robot.safety.voltages_at(joint.supply)
    if volts < low or volts > high:
        fed = "supply_voltage" if joint.supply is None else f"supply {joint.supply!r}"
        yield (
            f"joint {name!r} (motor {joint.id}) has {volts:.1f} V, and {fed} gives {low:g} to {high:g} V: it hangs on "
            "another supply, or its supply fails; switch the power off before you change that"
        )
