"""Replays a log through the contract: every observation and every target must come out as they were, bit for bit."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.observation import ObservationPipeline
from sim2real.runtime.log import read_log, signals_of
from sim2real.runtime.policy import Policy
from sim2real.runtime.tick_fields import FIELD, array_of


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A value that came out otherwise."""

    tick: int
    what: str
    """observation, action or target"""
    logged: tuple[float, ...]
    replayed: tuple[float, ...]


@dataclass(frozen=True)
class Replay:
    """What a replay came to."""

    ticks: int
    """Ticks in which the policy ran."""
    mismatches: tuple[Mismatch, ...]


def replay(path: Path, policy: Policy | None = None) -> Replay:
    """Replay a log.

    Args:
        path: A log of `sim2real run`.
        policy: Also computes each action again from its observation, when given. The same machine and the same build of
            onnxruntime give the same bits; others need not.

    Raises:
        UserError: The file cannot be read or is no log.
    """
    log = read_log(path)
    contract = log.contract
    observations, actions = ObservationPipeline(contract, 1), ActionPipeline(contract, 1)
    by_effort = contract.action.target == "effort"
    mismatches: list[Mismatch] = []
    first = True
    ran = [tick for tick in log.ticks if tick["ran"]]
    for tick in ran:
        signals = signals_of([tick])
        signals.joint_target = actions.target
        if tick["reset"]:
            observations.reset()
            if first:
                actions.reset()
            else:
                actions.reset(position=signals.joint_position)
            first = False
        observation = observations.observe(signals, actions.last_action)
        _compare(mismatches, tick, "observation", observation)
        action = array_of(FIELD["action"], [tick["action"]])
        if policy is not None:
            _compare(mismatches, tick, "action", policy.act(observation))
        if np.isfinite(action).all():  # the loop hands no other action to the contract
            targets = actions.apply(action)
            _compare(mismatches, tick, "target", targets.effort if by_effort else targets.position)
    return Replay(len(ran), tuple(mismatches))


def _compare(mismatches: list[Mismatch], tick: dict[str, Any], what: str, replayed: npt.NDArray[Any]) -> None:
    logged = array_of(FIELD[what], [tick[what]])
    same = logged.view(f"u{logged.itemsize}") == replayed.view(f"u{replayed.itemsize}")
    if not (same | (np.isnan(logged) & np.isnan(replayed))).all():
        mismatches.append(Mismatch(tick["tick"], what, tuple(logged[0].tolist()), tuple(replayed[0].tolist())))
