"""Benchmark of a family's driver on a bus: against other libraries, or else against the bare system calls."""

from typing import Any

from sim2real.benchmark.driver_tick import bench_driver_tick
from sim2real.configs.errors import UserError
from sim2real.configs.families import MOTOR_FAMILIES
from sim2real.hardware.families import motor_family


def bench_bus(family: str | None, motors: int, seconds: float) -> dict[str, Any]:
    """Measure the drivers in turn.

    Args:
        family: Name of a motor family; may be None while only one is compared with other libraries.
        motors: Motors on the bus.
        seconds: Total wall time.

    Returns:
        `ratios`, `figures`, and the compared `libraries`.

    Raises:
        UserError: There is no such family, or none was chosen of several with a comparison.
        ModuleNotFoundError: A library to compare with is not installed.
    """
    if family is not None and motor_family(family).tick_benchmark() is None:
        return bench_driver_tick(family, motors, seconds)
    names = MOTOR_FAMILIES.names if family is None else (family,)
    found = {name: compare for name in names if (compare := motor_family(name).tick_benchmark()) is not None}
    if len(found) != 1:
        raise UserError(f"bench bus: choose one with --family; valid: {', '.join(MOTOR_FAMILIES.names)}")
    return next(iter(found.values()))(motors, seconds)
