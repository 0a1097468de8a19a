"""The trial of a new policy, in the runs of a real robot: it passes, or the robot goes back by itself.

Counting, waiting and writing are beside the run: nothing here raises into it once it has begun, and a disk that cannot
be written is a warning.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from sim2real.configs.errors import UserError
from sim2real.configs.policy_reference import policy_file
from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import NS_PER_S
from sim2real.runtime.controller import Controller
from sim2real.runtime.flash.blame import blamed, ending
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import Clock, now_utc
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.rollback import go_back
from sim2real.runtime.flash.slot_files import CURRENT
from sim2real.runtime.flash.slot_of_policy import slot_of
from sim2real.runtime.policy import OnnxPolicy, Policy
from sim2real.runtime.report import RunReport
from sim2real.runtime.states import State
from sim2real.runtime.stop import StopRequest

Hook = Callable[[Controller], None]

_LOCK_WAIT_S: Final = 10.0
"""A flash takes a few seconds."""
_ENDING_MAX: Final = 200  # characters


class TrialRun:
    """The trial in one run. Without a policy on trial it does nothing.

    Attributes:
        warnings: What a person should know of it.
    """

    def __init__(self, target: DirectoryTarget | None = None, now: Clock = now_utc) -> None:
        self.warnings: list[str] = []
        self._target = target
        self._now = now
        self._robot: RobotConfig | None = None
        self._sha256: str | None = None
        self._needed_ns = 0
        self._since_ns: int | None = None
        self._healthy = threading.Event()
        self._over = self._given_up = self._counts = False
        self._keeper: threading.Thread | None = None

    def begin(self, robot: RobotConfig) -> None:
        """Count a start; go back first from a policy that is bad, or has died in too many.

        Raises:
            FlashError: The active policy is bad, and there is nothing to go back to; or a flash is at work.
        """
        target = self._target
        if target is None:
            return
        self._robot = robot
        record = target.record()
        if record.trial is None and not record.bad:
            return  # needs no lock, and no disk that can be written
        try:
            sha256 = self._counted(target, robot)
        except FlashError as error:
            if not isinstance(error.__cause__, OSError) or isinstance(error.__cause__, BlockingIOError):
                raise
            self.warnings.append(f"the policy's trial is not counted: {error}")
            return
        if sha256 is not None:
            self._counts = True
            self._sha256, self._needed_ns = sha256, round(record.terms.gate.healthy_for * NS_PER_S)
            self._keeper = threading.Thread(target=self._keep_passed, name="trial", daemon=True)
            self._keeper.start()

    def _counted(self, target: DirectoryTarget, robot: RobotConfig) -> str | None:
        """Count a start of the active policy, after going back from one that is bad; return it if it is on trial."""
        with target.exclusive(_LOCK_WAIT_S):
            active, record = target.active(), target.record()
            manifest = target.slot(active).manifest if active is not None else None
            if manifest is None:
                return None  # whoever loads it says what is wrong
            sha256, gate = manifest.sha256, record.terms.gate
            trial = record.on_trial(sha256)
            if trial is not None and trial.starts >= gate.starts_max:
                record = record.mark_bad(sha256, "failed", f"died in {trial.starts} starts on trial", self._now())
                target.keep(record)
            if (why := record.bad.get(sha256)) is not None:
                try:
                    went = go_back(target, record, robot, self._now, f"{sha256[:12]}… is bad: {why}")
                except FlashError as error:
                    raise FlashError(
                        f"the active policy is marked bad: {why}; {error}; flash another one, or allow it again with: "
                        "sim2real revoke --undo"
                    ) from error
                self.warnings.append(f"the policy {sha256[:12]}… is bad ({why}): went back to {went.slot.name}")
                record = target.record()
                sha256 = went.slot.manifest.sha256 if went.slot.manifest else sha256
                trial = record.on_trial(sha256)
            if trial is None:
                return None
            counted = trial.model_copy(update={"starts": trial.starts + 1})
            target.keep(record.model_copy(update={"trial": counted}))
            return sha256

    def beside(self, hook: Hook | None, stop: StopRequest) -> Hook | None:
        """Return the session's hook: the caller's, and the count of healthy ticks where a policy is on trial.

        A fault on trial ends the run, whoever operates it: whether the robot goes back is decided after its end.
        """
        if self._sha256 is None:
            return hook

        def both(controller: Controller) -> None:
            self.tick(controller.state, controller.record.time_ns)
            if controller.state is State.FAULT and not self._healthy.is_set():
                stop.stop("a fault on trial")
            if hook is not None:
                hook(controller)

        return both

    def waits(self, begins: bool) -> None:
        """Take back the count while the run waits for an operator, and count again with the start.

        The policy has been loaded by then, and acts on nothing: power that is cut meanwhile says nothing of it.
        """
        if self._sha256 is not None and self._counts is begins:
            self._counts = not begins
            self._quietly(lambda: self._recount(-1 if begins else 1))

    def tick(self, state: State, time_ns: int) -> None:
        """Take one tick: its state after it, and when it read."""
        if state is not State.RUNNING:
            self._since_ns = None
        elif self._since_ns is None:
            self._since_ns = time_ns
        elif time_ns - self._since_ns >= self._needed_ns and not self._healthy.is_set():
            self._healthy.set()

    def judged(self, report: RunReport) -> RunReport:
        """Return the report of the run with what became of the trial."""
        self._finish(blamed(report), ending(report))
        return replace(report, warnings=(*report.warnings, *self.warnings))

    def broken_off(self, error: BaseException) -> None:
        """Take back the count of a start that ended with an exception: it is not by the policy's death."""
        self._finish(None, str(error) or type(error).__name__)

    def _finish(self, blame: str | None, end: str) -> None:
        if self._sha256 is None or self._over:
            return
        self._over = True
        self._given_up = not self._healthy.is_set()
        self._healthy.set()  # lets the keeper end
        if self._keeper is not None:
            self._keeper.join(_LOCK_WAIT_S + 1.0)
        if self._given_up:
            self._quietly(lambda: self._settle(blame, end))

    def _keep_passed(self) -> None:
        """Wait until the ticks have been healthy for long enough, and keep that; on a thread of its own."""
        self._healthy.wait()
        if not self._given_up:
            self._quietly(self._pass)

    def _pass(self) -> None:
        target, sha256 = self._target, self._sha256
        if target is None or sha256 is None:
            return
        with target.exclusive(_LOCK_WAIT_S):
            record = target.record()
            if record.on_trial(sha256) is not None:
                target.keep(record.pass_trial(sha256, self._now()))
                self.warnings.append(f"the policy {sha256[:12]}… has passed its trial")

    def _recount(self, starts: int) -> None:
        target, sha256 = self._target, self._sha256
        if target is None or sha256 is None:
            return
        with target.exclusive(_LOCK_WAIT_S):
            record = target.record()
            trial = record.on_trial(sha256)
            if trial is not None:  # nobody has flashed or revoked meanwhile
                counted = trial.model_copy(update={"starts": trial.starts + starts})
                target.keep(record.model_copy(update={"trial": counted}))

    def _settle(self, blame: str | None, end: str) -> None:
        """Go back from a policy that is to blame; otherwise the trial goes on with the next run."""
        target, sha256 = self._target, self._sha256
        if target is None or sha256 is None:
            return
        with target.exclusive(_LOCK_WAIT_S):
            record, active = target.record(), target.active()
            trial = record.on_trial(sha256)
            if trial is None or active is None:
                return
            if blame is None:
                starts = trial.starts - 1 if self._counts else trial.starts
                undone = trial.model_copy(update={"starts": starts, "last": end[:_ENDING_MAX]})
                target.keep(record.model_copy(update={"trial": undone}))
                return
            record = record.mark_bad(sha256, "failed", f"{blame} on trial", self._now())
            target.keep(record)
            current = target.slot(active).manifest
            if current is not None and current.sha256 == sha256:
                went = go_back(target, record, self._robot, self._now, f"{sha256[:12]}…: {blame} on trial")
                self.warnings.append(f"the policy failed its trial ({blame}): went back to {went.slot.name}")

    def _quietly(self, act: Callable[[], None]) -> None:
        """Do what must not change how the run ends: what goes wrong is a warning."""
        try:
            act()
        except (UserError, OSError, ValueError) as error:
            self.warnings.append(f"the policy's trial: {error}")


@contextmanager
def trial_run(
    policy: str | Path | Policy, robot: RobotConfig, *, real: bool
) -> Iterator[tuple[TrialRun, str | Path | Policy]]:
    """Watch a run of a policy that a target holds, by whatever name or path it was given.

    Args:
        policy: What is run: on trial is only what is active on a target, and not loaded yet.
        robot: The robot.
        real: Whether the robot is: emulated runs say nothing about it and are not counted.

    Yields:
        The trial, and what to load: of a policy that is active, the path by which it is so, for a trial may go back.

    Raises:
        FlashError: See `TrialRun.begin`; or a target holds the policy, and it is marked bad there.
    """
    file = _file_of(policy) if real else None
    held = None if file is None else slot_of(file)
    trial = TrialRun()
    if file is not None and held is not None:
        target = DirectoryTarget(held.root)
        if isinstance(policy, OnnxPolicy):
            _refuse_bad(target, policy.digest)
        elif held.name != target.active():
            manifest = target.slot(held.name).manifest
            _refuse_bad(target, "" if manifest is None else manifest.sha256)
        else:
            trial = TrialRun(target)
            policy = file if file.parent.name == CURRENT else target.policy_path
    trial.begin(robot)
    try:
        yield trial, policy
    except BaseException as error:
        trial.broken_off(error)
        raise


def _file_of(policy: str | Path | Policy) -> Path | None:
    """Return the file of a policy; None where it was not loaded from one."""
    if isinstance(policy, str | Path):
        return policy_file(policy)
    return policy.path if isinstance(policy, OnnxPolicy) else None


def _refuse_bad(target: DirectoryTarget, sha256: str) -> None:
    """Refuse what is marked bad, where the run is of that policy alone and there is nothing to go back to."""
    if (why := target.record().bad.get(sha256)) is not None:
        raise FlashError(
            f"{target.place}: the policy {sha256[:12]}… is marked bad: {why}; allow it again with: "
            "sim2real revoke --undo"
        )
