"""Generates the scenarios of a fault campaign; each follows from its id and the campaign's seed alone."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter

from sim2real.benchmark.fault_cases import CASES, FaultCase, cases_for
from sim2real.benchmark.fault_moments import MOMENTS, RAMP, SHIPPED, Moment, nominal
from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.configs.schema.scenario import FaultsConfig

ROBOTS: Final = tuple(SHIPPED)

_PAIR_SHARE = 0.3  # of two cases at once, per single one
_MUJOCO_SHARE = 0.25
_BRIEF_S, _MEDIUM_S = (0.005, 0.06), (0.1, 0.4)  # durations of faults that end
_AFTER_S = 0.5  # policy after the fault ended, or has to be noticed
_HARMLESS_S = 1.2  # policy during a fault that alone need not end the run
_DELAYS_MAX = 8  # decimal digits of times in YAML: ns

_FAULTS: TypeAdapter[FaultsConfig] = TypeAdapter(FaultsConfig)


@dataclass(frozen=True)
class Strike:
    """One case at its time."""

    case: FaultCase
    at_s: float
    """Since power-up."""
    duration_s: float | None
    """None if it stays."""
    entry: dict[str, Any]
    """Kind and parameters."""

    @property
    def joint(self) -> str | None:
        """The joint that it is about, if it is about one."""
        joint = self.entry.get("joint")
        return None if joint is None else str(joint)


@dataclass(frozen=True)
class Scenario:
    """One run of a shipped policy on its emulated robot, and what goes wrong in it."""

    id: str
    robot: RobotConfig = field(repr=False)
    plant: str
    moment: Moment
    strikes: tuple[Strike, ...]
    stop_s: float | None
    """When the end of the run is asked for, s since power-up; None if the duration ends it."""
    duration_s: float
    """Of the policy."""
    offset: float
    """Where the joints begin, rad from the start pose."""
    seed: int

    @property
    def faults(self) -> FaultsConfig:
        """Faults of the emulated robot."""
        entries = [
            strike.entry
            | {"since": "power_up", "start": round(strike.at_s, _DELAYS_MAX)}
            | ({} if strike.duration_s is None else {"duration": round(strike.duration_s, _DELAYS_MAX)})
            for strike in self.strikes
            if strike.case.kind == "robot"
        ]
        return _FAULTS.validate_python(
            {"name": "campaign", "seed": self.seed, "faults": [_in_units(e) for e in entries]}
        )


def scenario_ids(robots: Sequence[str], count: int, seed: int) -> list[str]:
    """Return the ids of a campaign, `ROBOT/CASES/MOMENT/NUMBER`.

    Every case at every moment on every robot comes before any of them comes a second time; of an incomplete round the
    seed chooses. The order is that of robots, cases and moments.
    """
    random = np.random.default_rng((seed, 1))
    chosen: list[str] = []
    number = 0
    while len(chosen) < count:
        ids = [name for robot in robots for name in _round(robot, number, seed)]
        wanted = count - len(chosen)
        if wanted < len(ids):
            ids = [ids[index] for index in sorted(random.permutation(len(ids))[:wanted])]
        chosen += ids
        number += 1
    return chosen


def scenario_of(name: str, seed: int, plants: Sequence[str]) -> Scenario:
    """Make the scenario with an id.

    Args:
        name: The id.
        seed: The campaign's.
        plants: `inertia`, and `mujoco` where that is to be used for some.

    Raises:
        UserError: There is no such scenario.
    """
    robot_name, cases, moment, number = _parsed(name)
    robot = load_robot(robot_name)
    random = np.random.default_rng((seed, zlib.crc32(name.encode())))
    share = 1.0 if any(case.needs_stops for case in cases) else _MUJOCO_SHARE
    plant = "mujoco" if "mujoco" in plants and moment != "ramping" and random.random() < share else "inertia"
    times = nominal(robot_name, plant)
    strikes: list[Strike] = []
    if moment == "after_fault":
        first = CASES["silent_bus" if random.random() < 0.5 else "overheat"]
        # One that an operator resets has ended by then, or not: the reset has to tell.
        ends = any(case.kind == "operator" for case in cases) and random.random() < 0.7
        length = robot.safety.communication_loss + 0.1 if ends else None
        strikes.append(Strike(first, times.first_fault, length, first.make(robot, random)))
    for index, case in enumerate(cases):
        when = moment if index == 0 or random.random() < 0.5 else MOMENTS[int(random.integers(len(MOMENTS)))]
        strikes.append(_strike(case, robot, times.draw(when, random), number, random))
    stop_s = times.stop if moment == "stopping" else None
    lengths = [_needed_s(strike, robot, times.running) for strike in strikes]
    offset = RAMP * float(random.choice([-1.0, 1.0])) if moment == "ramping" else 0.0
    return Scenario(
        name, robot, plant, moment, tuple(strikes), stop_s, max(lengths), offset, int(random.integers(2**31))
    )


def _round(robot: str, number: int, seed: int) -> list[str]:
    config = load_robot(robot)
    random = np.random.default_rng((seed, number, zlib.crc32(robot.encode())))
    cases = [case.name for case in cases_for(config)]
    single = [f"{robot}/{case}/{moment}/{number}" for case in cases for moment in MOMENTS]
    pairs = []
    for _ in range(round(_PAIR_SHARE * len(single))):
        first, second = random.choice(cases, 2, replace=False)
        if not _overlap(CASES[first], CASES[second]):
            pairs.append(f"{robot}/{first}+{second}/{random.choice(MOMENTS)}/{number}")
    return single + list(dict.fromkeys(pairs))


def _overlap(first: FaultCase, second: FaultCase) -> bool:
    """Tell whether one of two cases would hide the other: a policy, or an IMU, fails in one way at a time."""
    return (first.kind == second.kind == "policy") or (first.needs_imu and second.needs_imu)


def _parsed(name: str) -> tuple[str, list[FaultCase], Moment, int]:
    parts = name.split("/")
    if len(parts) != 4 or not parts[3].isdecimal():
        raise UserError(f"scenario {name!r}: valid: ROBOT/CASE/MOMENT/NUMBER, as in so101/silent/early/0")
    robot, cases, moment, number = parts
    words: list[tuple[str, str, Sequence[str]]] = [("robot", robot, ROBOTS), ("moment", moment, MOMENTS)]
    for word, value, valid in [*words, *(("case", case, tuple(CASES)) for case in cases.split("+"))]:
        if value not in valid:
            raise UserError(f"scenario {name!r}: no {word} {value!r}; valid: {', '.join(valid)}")
    for case in cases.split("+"):
        if CASES[case].needs_imu and not load_robot(robot).imus:
            raise UserError(f"scenario {name!r}: {robot} has no IMU")
    return robot, [CASES[case] for case in cases.split("+")], next(m for m in MOMENTS if m == moment), int(number)


def _strike(case: FaultCase, robot: RobotConfig, at_s: float, number: int, random: np.random.Generator) -> Strike:
    """Draw one strike: in the first round it stays, in later ones it may end after a short or a medium time."""
    entry = case.make(robot, random)
    lengths = (None, _MEDIUM_S, _BRIEF_S)
    chosen = lengths[number] if number < len(lengths) else lengths[int(random.integers(len(lengths)))]
    return Strike(case, at_s, None if chosen is None else float(random.uniform(*chosen)), entry)


def _needed_s(strike: Strike, robot: RobotConfig, running_s: float) -> float:
    """Return how long the policy must run for the strike to show what follows from it."""
    begins = max(0.0, strike.at_s - running_s)
    if strike.duration_s is not None:
        return begins + strike.duration_s + _AFTER_S
    latch_s = strike.case.latch_s(robot)
    return begins + (_HARMLESS_S if latch_s is None else latch_s + _AFTER_S)


_UNITS = {
    "start": "s",
    "duration": "s",
    "delay": "s",
    "over": "s",
    "noise": "rad",
    "slip": "rad",
    "temperature": "degC",
    "voltage": "V",
    "resistance": "ohm",
}


def _in_units(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: f"{value!r} {_UNITS[key]}" if key in _UNITS else value for key, value in entry.items()}
