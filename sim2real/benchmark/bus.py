"""Benchmark of a family's driver on a bus: against other libraries, or else against the bare system calls."""

from collections.abc import Callable
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
    found = {name: compare for name in MOTOR_FAMILIES.names if (compare := _compared(name)) is not None}
    if family is not None and _compared(family) is None and found:
        return bench_driver_tick(family, next(iter(found)), motors, seconds)
    chosen = {name: compare for name, compare in found.items() if family in (None, name)}
    if len(chosen) != 1:
        raise UserError(f"bench bus: choose one with --family; valid: {', '.join(MOTOR_FAMILIES.names)}")
    return next(iter(chosen.values()))(motors, seconds)


def _compared(family: str) -> Callable[[int, float], dict[str, Any]] | None:
    return motor_family(family).tick_benchmark()
