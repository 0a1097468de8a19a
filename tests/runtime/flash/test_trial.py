"""Laws of the trial: a policy passes by running on the robot, and from one that fails the robot goes back by itself."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flash_models import ROBOT, write_policy

from sim2real.configs.load import load_robot
from sim2real.runtime.flash.blame import blamed
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.rollback import allow, revoke, rollback, status
from sim2real.runtime.flash.terms import Gate, Terms
from sim2real.runtime.flash.trial import TrialRun, trial_run
from sim2real.runtime.policy import OnnxPolicy
from sim2real.runtime.report import RunReport
from sim2real.runtime.run import run
from sim2real.runtime.states import State
from sim2real.runtime.stop import StopRequest
from sim2real.runtime.verdict import Reason

TERMS = Terms(gate=Gate(healthy_for=2.0, starts_max=2))
S = 1_000_000_000


class Bench:
    """A folder with policies installed one after the other."""

    def __init__(self, tmp_path: Path, count: int) -> None:
        self.folder = tmp_path / "robot"
        self.target = DirectoryTarget(self.folder)
        self.policies = [write_policy(tmp_path / f"policy{seed}.onnx", seed) for seed in range(4)]
        self.digests: list[str] = []
        for number in range(count):
            self.flash(number)
            if number + 1 < count:
                self.run(healthy_s=2.0)  # all but the last have passed

    def flash(self, number: int) -> None:
        result = flash(self.policies[number], ROBOT, self.target, terms=TERMS)
        assert result.slot.manifest is not None
        self.digests.append(result.slot.manifest.sha256)

    def begin(self) -> TrialRun:
        trial = TrialRun(self.target)
        trial.begin(ROBOT)
        return trial

    def run(self, *, healthy_s: float, report: RunReport | None = None) -> RunReport:
        """One run: so long healthy ticks, 0.1 s apart, then the end."""
        trial = self.begin()
        hook = trial.beside(None, StopRequest())
        for number in range(round(healthy_s * 10) + 1 if hook is not None else 0):
            trial.tick(State.RUNNING, number * S // 10)
        return trial.judged(report or END)

    @property
    def active(self) -> str:
        found = status(self.target, ROBOT)
        (slot,) = (slot for slot in found.slots if slot.name == found.active)
        assert slot.manifest is not None
        return slot.manifest.sha256


def controller(state: State, time_ns: int) -> Any:
    """What the trial sees of a controller."""
    return SimpleNamespace(state=state, record=SimpleNamespace(time_ns=time_ns))


END = run("pendulum_swingup", "pendulum", lockstep=True, plant="inertia", duration=0.1)
END = replace(END, ok=True, reasons=(), warnings=())


def fault(*reasons: Reason, text: str = "") -> RunReport:
    counts = {str(reason.name): 1 for reason in reasons}
    return replace(END, ok=False, final_state=State.FAULT, interventions=counts, reasons=(text or "fault",))


NAN = fault(Reason.ACTION_NOT_FINITE, Reason.DAMPING_TOO_LONG)


def test_a_policy_passes_by_running_long_enough_without_a_break(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 1)
    assert "on trial: it has not run for 2 s" in status(bench.target).why
    report = bench.run(healthy_s=2.0)
    assert any("has passed its trial" in warning for warning in report.warnings)
    assert bench.target.record().trial is None
    assert "healthy on" in status(bench.target).why
    assert bench.run(healthy_s=0.0).warnings == ()


def test_power_that_is_cut_while_the_run_waits_for_an_operator_is_not_the_policys_death(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 2)

    def starts() -> int:
        record = bench.target.record()
        assert record.trial is not None
        return record.trial.starts

    for _ in range(5):
        bench.begin().waits(True)  # and nothing follows
    trial = bench.begin()
    trial.waits(True)
    trial.judged(END)  # ended while it waited
    assert starts() == 0
    trial = bench.begin()
    trial.waits(True)
    trial.waits(False)
    assert starts() == 1
    trial.judged(END)
    assert starts() == 0
    assert bench.active == bench.digests[1]


def test_a_fault_on_trial_ends_the_run_whoever_operates_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 1)
    for healthy_s, ending in ((0.0, True), (2.0, False)):
        trial, stop = bench.begin(), StopRequest()
        hook = trial.beside(None, stop)
        assert hook is not None
        for tenth in range(round(healthy_s * 10) + 1):
            hook(controller(State.RUNNING, tenth * S // 10))
        hook(controller(State.FAULT, 3 * S))
        assert stop.ending is ending
        trial.judged(END)


def test_time_with_a_break_does_not_add_up(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 1)
    trial = bench.begin()
    for start in (0, 10, 20):
        for tenth in range(19):
            trial.tick(State.RUNNING, start * S + tenth * S // 10)
        trial.tick(State.DAMPING, start * S + 2 * S)
    trial.judged(END)
    record = bench.target.record()
    assert record.trial is not None
    assert (record.trial.starts, record.trial.last) == (0, END.stopped_by)


def test_from_a_policy_that_is_to_blame_the_robot_goes_back_and_refuses_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 2)
    report = bench.run(healthy_s=1.0, report=NAN)
    assert report.reasons == NAN.reasons
    assert "failed its trial (action not finite): went back to slot_a" in report.warnings[-1]
    assert bench.active == bench.digests[0]
    with pytest.raises(FlashError, match="marked bad here: action not finite on trial"):
        bench.flash(1)
    with pytest.raises(FlashError, match="cannot go back: the policy in slot_b is marked bad"):
        rollback(bench.target, ROBOT)
    allow(bench.target, bench.digests[1])
    assert flash(bench.policies[1], ROBOT, bench.target, terms=TERMS).on_trial


def test_a_policy_that_dies_without_a_word_too_often_is_left(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 2)
    for _ in range(2):
        bench.begin()  # and nothing follows: kill -9, or a power cut
        assert bench.active == bench.digests[1]
    trial = bench.begin()
    assert "died in 2 starts on trial" in trial.warnings[0]
    assert bench.active == bench.digests[0]
    assert status(bench.target).record.events[-1].what == "went back"


@pytest.mark.parametrize(
    "report",
    [
        END,
        replace(END, stopped_by="SIGTERM"),
        replace(END, final_state=State.ESTOP, stopped_by="SIGQUIT", interventions={"TILT": 1}),
        fault(Reason.PORT_LOST),
        fault(Reason.COMMUNICATION_LOSS, Reason.TRACKING),
        fault(Reason.VOLTAGE, Reason.TILT),
        fault(Reason.MISSED_TICKS),
        fault(Reason.INTERNAL_ERROR, text="fault: internal error: the driver, reading raised OSError: gone"),
    ],
    ids=lambda report: f"{report.final_state.name} {' '.join(report.interventions)} {report.stopped_by}",
)
def test_an_ending_that_is_not_the_policys_decides_nothing(tmp_path: Path, report: RunReport) -> None:
    bench = Bench(tmp_path, 1)
    for _ in range(4):
        bench.run(healthy_s=1.0, report=report)
    record = bench.target.record()
    assert record.trial is not None
    assert record.trial.starts == 0
    assert record.bad == {}


def test_exceptions_before_the_first_tick_are_not_counted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 2)
    for _ in range(4):
        with pytest.raises(OSError, match="unplugged"), trial_run(bench.target.policy_path, ROBOT, real=True):
            raise OSError("unplugged")
    assert bench.active == bench.digests[1]
    assert "the last run ended by unplugged" in status(bench.target).why


@pytest.mark.parametrize(
    ("report", "blame"),
    [
        (NAN, "action not finite"),
        (fault(Reason.ACTION_NOT_FINITE, Reason.STALE_READING), "action not finite"),
        (fault(Reason.POSITION, Reason.VELOCITY), "position, velocity"),
        (fault(Reason.TILT), "tilt"),
        (fault(Reason.INTERNAL_ERROR, text="fault: internal error: the policy raised Fail: x"), "it raised an error"),
        (fault(Reason.MOTOR_FAULT), None),
        (END, None),
    ],
)
def test_what_a_policy_is_blamed_for(report: RunReport, blame: str | None) -> None:
    assert blamed(report) == blame


def test_a_first_policy_that_fails_stays_and_is_refused_by_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 1)
    report = bench.run(healthy_s=0.0, report=NAN)
    assert "cannot go back: slot_b is empty" in report.warnings[-1]
    assert "is marked bad" in str(status(bench.target).problem)
    with pytest.raises(FlashError, match=r"is marked bad: action not finite on trial; .*revoke --undo"):
        bench.begin()


def test_a_new_flash_replaces_the_policy_on_trial_and_not_the_one_that_passed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 2)
    bench.flash(2)
    rollback(bench.target, ROBOT)
    assert bench.active == bench.digests[0]


def test_a_run_of_the_policy_before_says_nothing_about_the_new_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 1)
    trial = bench.begin()
    bench.flash(1)
    for tenth in range(30):
        trial.tick(State.RUNNING, tenth * S // 10)
    trial.judged(NAN)
    record = bench.target.record()
    assert record.trial is not None
    assert record.trial.sha256 == bench.digests[1] == bench.active
    assert record.bad == {}


def test_what_was_never_on_trial_is_on_trial_after_going_back_to_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 2)
    assert not rollback(bench.target, ROBOT).on_trial
    assert rollback(bench.target, ROBOT).on_trial


def test_a_revoked_policy_is_left_and_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 2)
    assert revoke(bench.target, bench.digests[1][:8], "falls on carpet", ROBOT).changed
    assert bench.active == bench.digests[0]
    with pytest.raises(FlashError, match="falls on carpet"):
        bench.flash(1)
    last = revoke(bench.target, bench.digests[0], "too", ROBOT)
    assert "cannot go back" in last.warnings[0]
    with pytest.raises(FlashError, match="not the beginning of one in a slot"):
        revoke(bench.target, "ffff", "x")


@pytest.mark.parametrize("broken", ["the record", "the switch"])
def test_a_disk_that_fails_at_the_end_of_a_run_is_a_warning(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, 2)

    def full(*_: object) -> None:
        raise FlashError("No space left on device")

    trial = bench.begin()
    monkeypatch.setattr(DirectoryTarget, "keep" if broken == "the record" else "activate", full)
    report = trial.judged(NAN)
    assert report.reasons == NAN.reasons
    assert "No space left" in report.warnings[-1]
    monkeypatch.undo()
    if broken == "the switch":  # the next start makes up for it
        assert "went back" in bench.begin().warnings[0]
        assert bench.active == bench.digests[0]


def test_emulated_runs_and_other_policies_are_not_counted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 2)
    run(bench.target.policy_path, "pendulum", lockstep=True, plant="inertia", duration=2.5)
    for other in (bench.folder / "slot_a" / "policy.onnx", bench.policies[1], "pendulum_swingup"):
        with trial_run(other, ROBOT, real=True) as (_, chosen):
            assert chosen == other
            record = bench.target.record()
            assert record.trial is not None
            assert record.trial.starts == 0


WAYS = {
    "by the folder": lambda bench: str(bench.folder),
    "by the folder's name": lambda bench: bench.folder.name,
    "by a link to the folder": lambda bench: str(link(bench.folder.with_name("link"), bench.folder)),
    "by its path": lambda bench: bench.target.policy_path,
    "by its path from here": lambda bench: f"{bench.folder.name}/current/policy.onnx",
    "by its slot": lambda bench: bench.folder / status(bench.target).active / "policy.onnx",
    "by a detour": lambda bench: bench.folder / "slot_a" / ".." / "current" / "policy.onnx",
    "by a link to it": lambda bench: link(bench.folder.with_name("it.onnx"), Path(bench.target.policy_path)),
}
"""What a person may give for the policy that is active."""


def link(path: Path, to: Path) -> Path:
    path.symlink_to(to)
    return path


@pytest.mark.parametrize("way", WAYS)
def test_the_active_policy_is_on_trial_however_it_is_named(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Named by its folder, as the documentation does it, it was not on trial, and ran although it was marked bad.
    bench = Bench(tmp_path, 2)
    monkeypatch.chdir(tmp_path)
    with trial_run(WAYS[way](bench), ROBOT, real=True) as (trial, chosen):
        assert isinstance(chosen, str | Path)
        assert Path(chosen).samefile(bench.folder / "slot_b" / "policy.onnx")
        record = bench.target.record()
        assert record.trial is not None
        assert record.trial.starts == 1
        trial.judged(END)
    bench.run(healthy_s=0.0, report=NAN)
    assert bench.active == bench.digests[0]


@pytest.mark.parametrize("way", WAYS)
def test_a_bad_policy_is_left_however_it_is_named(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, 2)
    monkeypatch.chdir(tmp_path)
    given = WAYS[way](bench)
    bench.target.keep(bench.target.record().mark_bad(bench.digests[1], "revoked", "falls", datetime.now(UTC)))
    with trial_run(given, ROBOT, real=True) as (_, chosen):
        assert isinstance(chosen, str | Path)
        assert Path(chosen).samefile(bench.folder / "slot_a" / "policy.onnx")


def test_a_bad_policy_that_is_not_active_or_loaded_already_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 2)
    loaded = OnnxPolicy(Path(bench.target.policy_path))
    revoke(bench.target, bench.digests[1], "falls", ROBOT)
    for given in (loaded, bench.folder / "slot_b" / "policy.onnx"):
        with pytest.raises(FlashError, match=r"is marked bad: falls"), trial_run(given, ROBOT, real=True):
            pass
        with trial_run(given, ROBOT, real=False):
            pass  # to find out why


def test_without_a_gate_there_is_no_trial(tmp_path: Path) -> None:
    target = DirectoryTarget(tmp_path / "robot")
    assert not flash(write_policy(tmp_path / "p.onnx"), ROBOT, target).on_trial
    assert TrialRun(target).beside(None, StopRequest()) is None


def test_going_back_is_refused_where_the_robot_has_changed_since(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 2)
    trial = TrialRun(bench.target)
    trial.begin(load_robot("pendulum", ("joints.pivot.effort_limit=0.25 N*m",)))
    report = trial.judged(NAN)
    assert "other settings" in report.warnings[-1]
    assert bench.active == bench.digests[1]
