"""Rehearsals with motors as people find them, counted: many trials for each motor family, by seed."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.rehearsal.calibration import rehearse_calibration
from sim2real.hardware.rehearsal.used_motors import rehearse_used_motor

ROBOTS: Final = ("quadruped", "so101", "hopper_leg")
"""A robot of each shipped motor family, with joints that hold a position or are compliant."""

_REASONS = 12  # of each robot, the most frequent
_FAILED = 20  # seeds to repeat


def bench_calibration(robots: Sequence[str], trials: int, first: int) -> dict[str, Any]:
    """Calibrate, power-cycle and open so many motors of each robot; count agreements, refusals and silent errors."""

    def trial(robot: RobotConfig, seed: int) -> tuple[bool, str]:
        result = rehearse_calibration(robot, seed)
        return result.silent_error, result.refusal

    return _bench(robots, trials, first, trial, good="agree", bad="silent_errors")


def bench_used_motors(robots: Sequence[str], trials: int, first: int) -> dict[str, Any]:
    """Open and hold so many motors of each robot; count those that stay still, refusals, and those that move."""

    def trial(robot: RobotConfig, seed: int) -> tuple[bool, str]:
        result = rehearse_used_motor(robot, seed)
        return result.unasked, result.refusal

    return _bench(robots, trials, first, trial, good="still", bad="moved")


def _bench(
    robots: Sequence[str],
    trials: int,
    first: int,
    trial: Callable[[RobotConfig, int], tuple[bool, str]],
    good: str,
    bad: str,
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in robots:
        robot = load_robot(name)
        failed: list[int] = []
        refusals: Counter[str] = Counter()
        for seed in range(first, first + trials):
            wrong, refusal = trial(robot, seed)
            if wrong:
                failed.append(seed)
            elif refusal:
                refusals[_kind(refusal)] += 1
        refused = refusals.total()
        figures[name] = {
            "trials": trials,
            good: trials - len(failed) - refused,
            "refused": refused,
            bad: len(failed),
            "failed_seeds": failed[:_FAILED],
            "refusals": dict(refusals.most_common(_REASONS)),
        }
    return {"ratios": {f"{bad}_{name}": found[bad] / trials for name, found in figures.items()}, "figures": figures}


def _kind(refusal: str) -> str:
    """Return a refusal without the joint's name and without figures, so that the same ones are counted together."""
    text = refusal.partition("): ")[2] or refusal
    return " ".join("#" if any(c.isdigit() for c in word) else word for word in text.split())[:100]
