"""A policy on several robots: one first, the rest when it has passed its trial there, until one fails."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.library import is_path, shipped
from sim2real.configs.load import load
from sim2real.configs.schema.target import FleetConfig
from sim2real.configs.yaml_source import read_yaml
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.place import Place
from sim2real.runtime.flash.results import Installed

_LOOK_S: Final = 2.0


@dataclass(frozen=True)
class Row:
    """What became of one robot of a fleet."""

    to: str
    state: Literal["installed", "already active", "failed", "not tried"]
    words: str = ""
    result: Installed | None = None

    @property
    def ok(self) -> bool:
        """Whether the robot holds the policy."""
        return self.state in ("installed", "already active")


def members(to: Sequence[str]) -> tuple[str, ...]:
    """Return the targets of several `--to`, with those of fleets' files in their place.

    Raises:
        UserError: A fleet's file is not valid, or a target is named twice.
    """
    found: list[str] = []
    for each in to:
        found += _of_fleet(each) if _is_fleet(each) else [each]
    twice = next((each for each in found if found.count(each) > 1), None)
    if twice is not None:
        raise FlashError(f"--to {twice}: is named twice")
    return tuple(found)


def flash_fleet(
    policy: Path,
    places: Sequence[tuple[str, Place]],
    gate_timeout: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    told: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Flash one robot after the other.

    Args:
        policy: The ONNX file; its signature is beside it.
        places: The robots, by what the user calls them.
        gate_timeout: s that the first robot has for its trial, with its runtime running.
        sleep: Waits, s.
        clock: The time, s.
        told: Called with what is waited for.

    Returns:
        A row for each robot; after the first that failed, none is tried.
    """
    rows: list[Row] = []
    for number, (to, place) in enumerate(places):
        if rows and not rows[-1].ok:
            rows.append(Row(to, "not tried", "" if rows[-1].state == "not tried" else f"{rows[-1].to} failed"))
            continue
        try:
            result = place.flash(policy)
            words = ""
            if number == 0 and len(places) > 1 and result.on_trial:
                told(f"{to}: waiting until the policy has passed its trial; its runtime must be running")
                words = _passed(place, result, gate_timeout, sleep, clock)
            rows.append(Row(to, "installed" if result.changed else "already active", words, result))
        except UserError as error:
            rows.append(Row(to, "failed", str(error)))
    return rows


def _passed(
    place: Place, result: Installed, timeout: float, sleep: Callable[[float], None], clock: Callable[[], float]
) -> str:
    """Wait until a policy has passed its trial. Raises FlashError if it failed, or did not decide in time."""
    sha256 = result.slot.manifest.sha256 if result.slot.manifest is not None else ""
    deadline = clock() + timeout
    while True:  # bounded by the deadline
        found = place.status()
        if (why := found.record.bad.get(sha256)) is not None:
            raise FlashError(f"{place.place}: the policy failed its trial: {why}")
        if sha256 in found.record.healthy:
            return "has passed its trial"
        if found.record.on_trial(sha256) is None:
            raise FlashError(f"{place.place}: the policy is no longer on trial there, and has not passed: {found.why}")
        if not clock() < deadline:
            raise FlashError(
                f"{place.place}: is still on trial after {timeout:g} s; is its runtime running? {found.why}"
            )
        sleep(_LOOK_S)


def _is_fleet(to: str) -> bool:
    """Return whether a file is a fleet's: it has `targets`. What cannot be read is left to whoever loads it."""
    if not to.endswith((".yaml", ".yml")):
        return False
    try:
        return "targets" in read_yaml(Path(to)).data
    except ConfigError:
        return False


def _of_fleet(file: str) -> list[str]:
    fleet = load("targets", FleetConfig, file)
    folder = Path(file).parent
    known = shipped("targets")
    return [str(folder / each) if is_path(each) or each not in known else each for each in fleet.targets]
