"""Installed families of motors and IMUs: the properties of a family that configurations are checked against."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sim2real.configs.errors import ConfigError
from sim2real.configs.plugins import PluginError, Plugins, part_of, unknown
from sim2real.configs.schema.death import DeathState
from sim2real.configs.schema.registers import Registers


@dataclass(frozen=True, kw_only=True)
class FamilySchema:
    """Motors with one protocol. `sim2real.hardware.family.Family` adds driver, set-up and emulation."""

    protocol: str
    """Protocol of their bus, as written in the robot YAML."""
    registers: type[Registers]
    """Schema of `registers` in the motor YAML."""
    modes: tuple[str, ...]
    """Control modes for policies: `current`, `position`, `impedance`."""
    ids: range
    """Valid addresses on the bus."""
    death_states: Mapping[str, tuple[DeathState, ...]] = field(default_factory=dict)
    """What motors in each mode can do without the program that drives them, besides `off`, which every motor can."""


@dataclass(frozen=True, kw_only=True)
class ImuFamilySchema:
    """IMUs with one protocol, the name of their entry point; `sim2real.hardware.imu.family` adds the driver."""

    rate_max: float
    """Highest sample rate of a unit, Hz."""


MOTOR_FAMILIES: Plugins[FamilySchema] = Plugins("sim2real.motor_families", "motor family", part_of(FamilySchema))
IMU_FAMILIES: Plugins[ImuFamilySchema] = Plugins("sim2real.imu_families", "IMU family", part_of(ImuFamilySchema))


def motor_protocols() -> tuple[str, ...]:
    """Return the protocols of the motor families that can be loaded, in the order of the families' names."""
    families, _ = MOTOR_FAMILIES.working()
    return tuple(family.protocol for family in families.values())


def family_speaking(protocol: str) -> str:
    """Return the name of the motor family that has a protocol.

    Raises:
        ConfigError: No family has it; lists those that are valid.
        PluginError: The same, and a family cannot be loaded, which may be the one; or two families have it.
    """
    families, errors = MOTOR_FAMILIES.working()
    found = [name for name, family in families.items() if family.protocol == protocol]
    if len(found) > 1:
        raise PluginError(
            f"the motor families {' and '.join(found)} both have the protocol {protocol!r}; uninstall one"
        )
    if found:
        return found[0]
    refusal = unknown("protocol", protocol, motor_protocols())
    if errors:
        raise PluginError("\n".join((refusal, *map(str, errors))))
    raise ConfigError(refusal)
