"""The installed motor families, by name and by bus protocol."""

from sim2real.configs.families import MOTOR_FAMILIES, family_speaking
from sim2real.configs.plugins import PluginError
from sim2real.configs.schema.robot import BusConfig, RobotConfig
from sim2real.hardware.family import Family


def motor_family(name: str) -> Family:
    """Return a motor family by name.

    Raises:
        ConfigError: No such family is installed; lists the installed ones.
        PluginError: The family's package is broken.
    """
    return MOTOR_FAMILIES.of(name, Family)  # type: ignore[type-abstract]  # compared with, never made


def family_of_bus(bus: BusConfig) -> Family:
    """Return the family of the motors on a bus. Raises ConfigError and PluginError like `family_speaking`."""
    return motor_family(family_speaking(bus.protocol))


def installed_families() -> tuple[dict[str, Family], list[PluginError]]:
    """Return the families that load, by bus protocol, and the errors of those that do not."""
    names, errors = MOTOR_FAMILIES.working()
    return {family.protocol: family for family in map(motor_family, names)}, errors


def when_silent(robot: RobotConfig) -> str:
    """Return what a robot's motors that have torque do by themselves when they hear nothing more, for warnings."""
    used = {joint.motor.family for joint in robot.joints.values()}
    return "; ".join(motor_family(name).when_silent for name in sorted(used))
