"""Replays a log through the contract: every observation and target must have the same bits."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from sim2real.configs.errors import UserError
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.observation import ObservationPipeline
from sim2real.runtime.log import RunLog, read_log, signals_of
from sim2real.runtime.policy import Policy
from sim2real.runtime.tick_fields import FIELD, array_of

_KEPT_MAX: Final = 1000  # mismatches in full; all of a long log would fill the memory, and the first tells most


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A value that differs."""

    tick: int
    what: str
    """observation, action or target"""
    logged: tuple[float, ...]
    replayed: tuple[float, ...]

    @property
    def index(self) -> int:
        """Number of the first component that differs."""
        pairs = enumerate(zip(self.logged, self.replayed, strict=True))
        return next((index for index, (old, new) in pairs if old != new and not (old != old and new != new)), 0)

    def __str__(self) -> str:
        at = self.index
        return f"{self.what}[{at}] of tick {self.tick}: logged {self.logged[at]:.9g}, replayed {self.replayed[at]:.9g}"

    def document(self) -> dict[str, Any]:
        """Return the first component that differs as plain data."""
        at = self.index
        numbers = {"logged": self.logged[at], "replayed": self.replayed[at]}
        return {"tick": self.tick, "what": self.what, "index": at} | numbers


@dataclass
class Replay:
    """The differences between a log and its replay."""

    log: RunLog
    ticks: int = 0
    """Ticks in which the policy ran."""
    counts: Counter[str] = field(default_factory=Counter)
    """Ticks in which something differs: observation, action or target."""
    mismatches: tuple[Mismatch, ...] = ()
    """The first of them, in order."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the log is not proved to be exact; none when it is."""
        if not self.ticks:
            return ("the policy never ran in this log: there is nothing to replay",)
        if not self.mismatches:
            return ()
        counts = ", ".join(f"{count} {what}s" for what, count in self.counts.items())
        return (f"{counts} of {self.ticks} ticks differ; the first: {self.mismatches[0]}",)


def replay(path: Path, policy: Policy | None = None) -> Replay:
    """Replay a log.

    Args:
        path: A log of `sim2real run`.
        policy: Also computes each action again from its observation, when given. The same machine and the same build of
            onnxruntime give the same bits; others need not.

    Raises:
        UserError: The file cannot be read, is no log, or is of a policy with another contract.
    """
    log = read_log(path)
    contract = log.contract
    if policy is not None and policy.contract.digest() != contract.digest():
        raise UserError(
            f"{path}: the policy's contract is not the log's ({policy.contract.task} for "
            f"{policy.contract.robot.name}, log: {contract.task} for {contract.robot.name}); valid: the policy "
            f"with SHA-256 {log.metadata.get('policy_sha256', 'unknown')}"
        )
    observations, actions = ObservationPipeline(contract, 1), ActionPipeline(contract, 1)
    by_effort = contract.action.target == "effort"
    result = Replay(log)
    for tick in log.ticks:
        if not tick["ran"]:
            continue
        signals = signals_of([tick])
        signals.joint_target = actions.target
        if tick["reset"]:
            observations.reset()
            # The first time the targets begin at the default pose, later from where the joints are.
            actions.reset(position=signals.joint_position if result.ticks else None)
        result.ticks += 1
        observation = observations.observe(signals, actions.last_action)
        _compare(result, tick, "observation", observation)
        action = array_of(FIELD["action"], [tick["action"]])
        if policy is not None:
            _compare(result, tick, "action", policy.act(observation))
        if np.isfinite(action).all():  # the loop hands no other action to the contract
            targets = actions.apply(action)
            _compare(result, tick, "target", targets.effort if by_effort else targets.position)
    return result


def _compare(result: Replay, tick: dict[str, Any], what: str, replayed: npt.NDArray[Any]) -> None:
    logged = array_of(FIELD[what], [tick[what]])
    same = logged.view(f"u{logged.itemsize}") == replayed.view(f"u{replayed.itemsize}")
    if (same | (np.isnan(logged) & np.isnan(replayed))).all():
        return
    result.counts[what] += 1
    if len(result.mismatches) < _KEPT_MAX:
        found = Mismatch(tick["tick"], what, tuple(logged[0].tolist()), tuple(replayed[0].tolist()))
        result.mismatches += (found,)
