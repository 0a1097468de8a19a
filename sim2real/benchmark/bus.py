"""Benchmark of a family's driver against other libraries for the same motors on the same bus."""

from typing import Any

from sim2real.configs.errors import UserError
from sim2real.configs.families import MOTOR_FAMILIES
from sim2real.hardware.families import motor_family


def bench_bus(family: str | None, motors: int, seconds: float) -> dict[str, Any]:
    """Measure the drivers in turn.

    Args:
        family: Name of a motor family; may be None while only one has a comparison.
        motors: Motors on the bus.
        seconds: Total wall time.

    Returns:
        `ratios`, `figures`, and the compared `libraries`.

    Raises:
        UserError: The family has no comparison, or none was chosen of several.
        ModuleNotFoundError: A library to compare with is not installed.
    """
    names = MOTOR_FAMILIES.names if family is None else (family,)
    found = {name: compare for name in names if (compare := motor_family(name).tick_benchmark()) is not None}
    if len(found) != 1:
        wanted = f"the family {family} has no comparison" if family is not None else "choose one with --family"
        raise UserError(f"bench bus: {wanted}; valid: {', '.join(found) or 'none'}")
    return next(iter(found.values()))(motors, seconds)
