"""Replays a log through contract, policy and safety: all that was computed from the readings must have the same bits.

Each row goes through the controller that ran the robot, with readings, times and failures from the log. Logs of earlier
versions lack what safety decided on; those go through the contract alone.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from sim2real.configs.errors import UserError
from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.observation import ObservationPipeline
from sim2real.runtime.controller import Controller
from sim2real.runtime.log import RunLog, read_log, signals_of
from sim2real.runtime.policy import Policy, RecurrentPolicy
from sim2real.runtime.replay_hardware import ReplayClock, ReplayHardware, ReplayPolicy
from sim2real.runtime.states import WITH_TORQUE, Event
from sim2real.runtime.swap import logged_swaps
from sim2real.runtime.tick_fields import FIELD, array_of, row_layout
from sim2real.runtime.verdict import Level

_KEPT_MAX: Final = 1000  # mismatches in full; all of a long log would fill the memory, and the first tells most

WHAT: Final = ("observation", "action", "target", "command", "verdict", "state")
"""What is compared."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A value that differs."""

    tick: int
    what: str
    """observation, action, target, command, verdict or state"""
    logged: tuple[float | str, ...]
    replayed: tuple[float | str, ...]

    @property
    def index(self) -> int:
        """Number of the first component that differs."""
        pairs = enumerate(zip(self.logged, self.replayed, strict=True))
        return next((index for index, (old, new) in pairs if old != new and not (old != old and new != new)), 0)

    def __str__(self) -> str:
        at = self.index
        old, new = (
            value if isinstance(value, str) else f"{value:.9g}" for value in (self.logged[at], self.replayed[at])
        )
        return f"{self.what}[{at}] of tick {self.tick}: logged {old}, replayed {new}"

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
    """Ticks in which something differs, by what."""
    with_safety: bool = False
    """Whether safety and the state machine were replayed too."""
    stopped_at: int | None = None
    """The tick at which the replay ended; nothing can be computed again from there."""
    stopped_by: str = ""
    """What ended it: an exception, or a swap that the log knows too little of."""
    mismatches: tuple[Mismatch, ...] = ()
    """The first of them, in order."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the log is not proved to be exact; none when it is."""
        if not self.ticks and not (self.with_safety and self.log.rows):
            return ("the policy never ran in this log: there is nothing to replay",)
        if not self.mismatches:
            return ()
        counts = ", ".join(f"{what} {count}" for what, count in self.counts.items())
        return (f"differs in so many of {len(self.log.ticks)} ticks: {counts}; the first: {self.mismatches[0]}",)


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
    later = {swap.digest for swap in logged_swaps(log.run)}  # their ranges may be others
    if policy is not None and policy.contract.digest() != contract.digest() and policy.digest not in later:
        raise UserError(
            f"{path}: the policy's contract is not the log's ({policy.contract.task} for "
            f"{policy.contract.robot.name}, log: {contract.task} for {contract.robot.name}); valid: the policy "
            f"with SHA-256 {log.metadata.get('policy_sha256', 'unknown')}"
        )
    result = Replay(log)
    if log.rows and "events" in log.rows[0] and "robot" in log.metadata:
        _ControllerReplay(result, policy).run()
    else:
        _through_contract(result, policy)
    return result


class _ControllerReplay:
    """Runs the rows of a log through a controller of its own."""

    def __init__(self, result: Replay, policy: Policy | None) -> None:
        log = result.log
        self._result = result
        self._clock = ReplayClock()
        self._hardware = ReplayHardware(log.contract.joint_names, self._clock)
        self._policy = ReplayPolicy(log.contract, policy)
        self._swaps, self._given = logged_swaps(log.run), "" if policy is None else policy.digest
        if self._swaps:  # else another policy than the log's is compared with it
            self._policy.in_command = self._given == log.metadata.get("policy_sha256")
        robot = _robot(log)
        self._controller = Controller(self._policy, robot, self._hardware, self._clock, lambda: 0)
        self._operator = _LoggedOperator(len(log.contract.commands))
        self._layout = row_layout(log.contract)

    def run(self) -> None:
        """Replay row by row, to the end or to the exception that ended a tick."""
        self._result.with_safety = True
        for row in self._result.log.rows:
            self._hardware.row = self._policy.row = row
            self._policy.computed = None
            if stopped_by := self._stopped_by(row):
                self._result.stopped_at, self._result.stopped_by = row["tick"], stopped_by
                return
            self._take_operator(row)
            for event in Event:
                if event.name in row["events"]:
                    self._fire(event)
            if not row["between"]:
                self._tick(row)
            self._compare(row)

    def _stopped_by(self, row: dict[str, Any]) -> str:
        """Let the policy of a row take over; return what ends the replay, if it does."""
        if Event.FAULT.name in row["events"]:
            return "the exception"
        controller = self._controller
        while controller.record.policy < row.get("policy", 0):
            if controller.record.policy >= len(self._swaps):
                return "the swap of policies"  # the run was killed before its log could tell the ranges of the second
            swap = self._swaps[controller.record.policy]
            controller.stage.swap(self._policy)
            controller.note_swap(swap)
            self._policy.in_command = swap.digest == self._given
        return ""

    def _take_operator(self, row: dict[str, Any]) -> None:
        controller = self._controller
        self._operator.alive_ns = row["operator_alive_ns"]
        controller.take_operator(self._operator)
        controller.record.operator_command[:] = row.get("asked", [])

    def _fire(self, event: Event) -> None:
        self._controller.fire(event)
        if event is Event.OPEN:
            verdict = self._controller.check_before_torque()
            if verdict.level is not Level.OK:
                self._controller.record.reasons = 0
        self._controller.record.events = 0

    def _tick(self, row: dict[str, Any]) -> None:
        if self._controller.state in WITH_TORQUE:
            self._controller.tick(row["missed"], row["missed_in_a_row"])
            self._result.ticks += bool(row["ran"])
        else:
            self._controller.idle_tick(row["missed"])

    def _compare(self, row: dict[str, Any]) -> None:
        record = self._controller.record
        if row["between"]:
            record.state = self._controller.state.value
            names = _STATE
        else:
            names = _COMPARED
            if self._policy.computed is not None:
                _compare(self._result, row, "action", self._policy.computed, "action")
        replayed = np.frombuffer(bytes(record.pack()), self._layout.dtype)[0]
        plain = self._layout.plain(replayed)
        for name, what in names.items():
            if name not in row:
                continue
            if isinstance(row[name], str | bool) or FIELD[name].bits_of is not None:
                if row[name] != plain[name]:
                    _count(self._result, Mismatch(row["tick"], what, (str(row[name]),), (str(plain[name]),)))
            else:
                _compare(self._result, row, what, replayed[name][None], name)


def _robot(log: RunLog) -> RobotConfig:
    try:
        return RobotConfig.model_validate_json(log.metadata["robot"])
    except ValidationError as error:
        raise UserError(f"{log.files[0]}: its robot is of another version: {error.errors()[0]['msg']}") from error


class _LoggedOperator:
    """An operator who asks for nothing but is as alive as in the log; implements `Operator`."""

    stop = emergency = False
    resets = starts = 0

    def __init__(self, commands: int) -> None:
        self.values = np.full(commands, np.nan)
        self.alive_ns = -1

    def poll(self) -> None:
        """Do nothing."""


_STATE: Final = {"state": "state"}
_COMPARED: Final = {
    "state": "state",
    "reasons": "verdict",
    "interventions": "verdict",
    "ran": "state",
    "reset": "state",
    "observation": "observation",
    "target": "target",
    "clock": "observation",
    "command_position": "command",
    "command_velocity": "command",
    "command_effort": "command",
    "stiffness": "command",
    "damping": "command",
}
"""Fields that are computed, and what they are called."""


def _through_contract(result: Replay, policy: Policy | None) -> None:
    """Compute observations and targets alone."""
    contract = result.log.contract
    observations, actions = ObservationPipeline(contract, 1), ActionPipeline(contract, 1)
    by_effort = contract.action.target == "effort"
    for tick in result.log.ticks:
        if not tick["ran"]:
            continue
        signals = signals_of([tick])
        signals.joint_target = actions.target
        if tick["reset"]:
            observations.reset()
            if isinstance(policy, RecurrentPolicy):
                policy.reset()
            # The first time the targets begin at the default pose, later from where the joints are.
            actions.reset(position=signals.joint_position if result.ticks else None)
        result.ticks += 1
        observation = observations.observe(signals, actions.last_action)
        _compare(result, tick, "observation", observation, "observation")
        action = array_of(FIELD["action"], [tick["action"]])
        if policy is not None:
            _compare(result, tick, "action", policy.act(observation), "action")
        if np.isfinite(action).all():  # the loop hands no other action to the contract
            targets = actions.apply(action)
            _compare(result, tick, "target", targets.effort if by_effort else targets.position, "target")


def _compare(result: Replay, tick: dict[str, Any], what: str, replayed: npt.NDArray[Any], name: str) -> None:
    logged = array_of(FIELD[name], [tick[name]])
    same = logged.view(f"u{logged.itemsize}") == np.ascontiguousarray(replayed).view(f"u{replayed.itemsize}")
    if not (same | (np.isnan(logged) & np.isnan(replayed))).all():
        _count(result, Mismatch(tick["tick"], what, tuple(logged[0].tolist()), tuple(replayed[0].tolist())))


def _count(result: Replay, found: Mismatch) -> None:
    result.counts[found.what] += 1
    if len(result.mismatches) < _KEPT_MAX:
        result.mismatches += (found,)
