"""Laws of flashing: what is active is always whole, whatever fails and wherever the process dies."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flash_models import CONTRACT, ROBOT, other_robot, write_policy, write_policy_that_looks_up

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_robot
from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.examine import examine
from sim2real.runtime.flash.install import flash
from sim2real.runtime.flash.manifest import FlashError, Manifest
from sim2real.runtime.flash.results import Installed
from sim2real.runtime.flash.rollback import rollback, status

JOINT = ROBOT.joints["pivot"]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

# Every call by which Python changes a file system; pathlib, shutil and our own code all go through `os`.
MUTATIONS = ("open", "write", "fsync", "mkdir", "rmdir", "unlink", "symlink", "rename", "replace")
CALLS_MAX = 100  # a flash makes some thirty of them


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "robot"


@pytest.fixture
def policies(tmp_path: Path) -> list[Path]:
    return [write_policy(tmp_path / f"policy{seed}.onnx", seed) for seed in range(3)]


def install(policy: Path, folder: Path) -> Installed:
    return flash(policy, ROBOT, DirectoryTarget(folder), lambda: NOON)


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def current(folder: Path) -> Path:
    return folder / "current" / "policy.onnx"


@contextmanager
def failing_call(number: int, fail: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Call `fail` in place of the n-th change of the file system; yields the names of the calls so far."""
    calls: list[str] = []

    def replaced(name: str, original: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            calls.append(name)
            if len(calls) - 1 == number:
                fail(name)
            return original(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in MUTATIONS:
            patch.setattr(os, name, replaced(name, getattr(os, name)))
        yield calls


# What is installed


def test_a_flashed_policy_is_the_same_bytes_and_its_manifest_describes_them(folder: Path, policies: list[Path]) -> None:
    result = install(policies[0], folder)
    assert current(folder).read_bytes() == policies[0].read_bytes()
    manifest = json.loads((folder / "current" / "manifest.json").read_text())
    assert manifest["sha256"] == sha(policies[0])
    assert manifest["size"] == policies[0].stat().st_size
    assert manifest["contract_digest"] == CONTRACT.digest()
    assert manifest["task"] == "pendulum_swingup"
    assert manifest["robot"] == "pendulum"
    assert manifest["provenance"] == {"steps": "1000", "seed": "0"}
    assert manifest["installed"] == "2026-11-20T12:00:00Z"
    assert (result.changed, result.previous) == (True, None)


def test_flashes_alternate_between_the_slots_and_each_keeps_the_one_before(folder: Path, policies: list[Path]) -> None:
    used = []
    for policy in policies:
        before = current(folder).read_bytes() if current(folder).exists() else None
        result = install(policy, folder)
        used.append(result.slot.name)
        assert sha(current(folder)) == sha(policy)
        if before is not None:
            assert result.previous is not None
            assert (folder / result.previous.name / "policy.onnx").read_bytes() == before
    assert used == ["slot_a", "slot_b", "slot_a"]


def test_rollback_goes_back_and_forth(folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    install(policies[1], folder)
    for expected in (policies[0], policies[1], policies[0]):
        rollback(DirectoryTarget(folder), ROBOT)
        assert sha(current(folder)) == sha(expected)


def test_flashing_the_active_policy_again_does_not_cost_the_one_before(folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    install(policies[1], folder)
    assert not install(policies[1], folder).changed
    rollback(DirectoryTarget(folder))
    assert sha(current(folder)) == sha(policies[0])


def test_nothing_but_the_layout_is_left_behind(folder: Path, policies: list[Path]) -> None:
    for policy in policies:
        install(policy, folder)
    assert sorted(os.listdir(folder)) == [".lock", "current", "record.json", "slot_a", "slot_b"]
    assert os.readlink(folder / "current") == "slot_a"


# What is refused


def refusals(tmp_path: Path) -> dict[str, tuple[Path, str]]:
    good = write_policy(tmp_path / "good.onnx").read_bytes()
    files = {"truncated": good[: len(good) // 2], "empty": b"", "no model": b"not a model\n" * 50}
    for name, content in files.items():
        (tmp_path / f"{name}.onnx").write_bytes(content)
    return {
        "truncated": (tmp_path / "truncated.onnx", "not a valid ONNX model"),
        "empty": (tmp_path / "empty.onnx", "ONNX"),
        "no model": (tmp_path / "no model.onnx", "not a valid ONNX model"),
        "missing": (tmp_path / "missing.onnx", "cannot be read: No such file"),
        "no contract": (write_policy(tmp_path / "bare.onnx", metadata={}), "carries no contract"),
        "other robot": (
            write_policy(tmp_path / "other.onnx", contract=other_robot()),
            rf"joints\.pivot\.effort_max: model 0\.75, robot {JOINT.effort_limit}; "
            rf"joints\.pivot\.damping: model 0\.5, robot {JOINT.damping}",
        ),
        "not a number": (write_policy(tmp_path / "nan.onnx", weight=float("nan")), "not finite in the default pose"),
        "wrong size": (write_policy(tmp_path / "wide.onnx", outputs=2), r"\[1, 2\]"),
    }


@pytest.mark.parametrize(
    "case", ["truncated", "empty", "no model", "missing", "no contract", "other robot", "not a number", "wrong size"]
)
def test_a_policy_that_must_not_run_is_refused_in_one_line_and_touches_neither_slot(
    case: str, tmp_path: Path, folder: Path, policies: list[Path]
) -> None:
    install(policies[0], folder)
    install(policies[1], folder)
    before = [sha(folder / name / "policy.onnx") for name in ("slot_a", "slot_b")]
    policy, message = refusals(tmp_path)[case]
    with pytest.raises(UserError, match=message) as caught:
        install(policy, folder)
    assert "\n" not in str(caught.value)
    assert [sha(folder / name / "policy.onnx") for name in ("slot_a", "slot_b")] == before
    assert status(DirectoryTarget(folder), ROBOT).active == "slot_b"


def test_a_policy_that_fails_only_away_from_the_default_pose_is_refused(tmp_path: Path, folder: Path) -> None:
    # In the default pose every velocity is zero, so an infinite product appears only when the joints move.
    with pytest.raises(UserError, match="not finite"):
        install(write_policy(tmp_path / "huge.onnx", weight=3e38), folder)


def test_a_folder_of_other_things_is_refused_and_left_as_it_was(folder: Path, policies: list[Path]) -> None:
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(FlashError, match=r"flashing did not put there: thesis\.tex"):
        install(policies[0], folder)
    assert os.listdir(folder) == ["thesis.tex"]


@pytest.mark.parametrize("place", ["slot_a", "slot_b", "incoming"])
def test_a_strangers_file_in_a_slot_is_never_deleted(place: str, folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    (folder / place).mkdir(exist_ok=True)
    (folder / place / "notes.txt").write_text("mine")
    with pytest.raises(FlashError, match=rf"{place}/notes\.txt"):
        install(policies[1], folder)
    assert (folder / place / "notes.txt").read_text() == "mine"


def test_a_slot_that_is_a_link_elsewhere_is_refused(tmp_path: Path, folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    (tmp_path / "elsewhere").mkdir()
    (folder / "slot_b").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FlashError, match=r"slot_b \(not a folder\)"):
        install(policies[1], folder)


@pytest.mark.parametrize("link", ["/etc", "slot_c", "../robot/slot_a"])
def test_a_current_that_names_no_slot_is_refused(link: str, folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    (folder / "current").unlink()
    (folder / "current").symlink_to(link)
    for act in (lambda: install(policies[1], folder), lambda: rollback(DirectoryTarget(folder))):
        with pytest.raises(FlashError, match="valid: slot_a, slot_b"):
            act()


def test_a_target_that_is_a_file_is_refused(folder: Path, policies: list[Path]) -> None:
    folder.write_text("a file")
    with pytest.raises(FlashError, match="is not a folder"):
        install(policies[0], folder)


def test_a_target_of_another_robot_is_refused(tmp_path: Path, folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    twin = load_robot("pendulum", ("name=twin",))
    contract = CONTRACT.model_copy(update={"robot": CONTRACT.robot.model_copy(update={"name": "twin"})})
    policy = write_policy(tmp_path / "twin.onnx", contract=contract)
    with pytest.raises(FlashError, match="holds policies for robot 'pendulum', this one is for 'twin'"):
        flash(policy, twin, DirectoryTarget(folder))


def test_the_active_slot_is_never_written_to(folder: Path, policies: list[Path]) -> None:
    active = install(policies[0], folder).slot
    assert isinstance(active.manifest, Manifest)
    with pytest.raises(FlashError, match="is active"):
        DirectoryTarget(folder).write(active.name, policies[0].read_bytes(), None, active.manifest, lambda _: None)


def test_a_policy_that_fails_to_run_away_from_the_default_pose_is_refused(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UserError, match=r"does not run .*limits: "):
        install(write_policy_that_looks_up(tmp_path / "table.onnx"), folder)


def test_a_file_too_large_for_a_policy_is_refused_unread(tmp_path: Path, folder: Path) -> None:
    huge = tmp_path / "huge.onnx"
    huge.touch()
    os.truncate(huge, 600 << 20)
    with pytest.raises(FlashError, match="not a policy for a robot"):
        install(huge, folder)


# Rollback and status


def test_rollback_without_a_second_policy_is_refused(folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    with pytest.raises(FlashError, match="cannot go back: slot_b is empty; slot_a stays active"):
        rollback(DirectoryTarget(folder))
    assert sha(current(folder)) == sha(policies[0])


def test_rollback_of_a_mistyped_target_does_not_make_it(folder: Path) -> None:
    with pytest.raises(FlashError, match="No such file"):
        rollback(DirectoryTarget(folder))
    assert not folder.exists()


def damage_policy(slot: Path) -> None:
    content = bytearray((slot / "policy.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (slot / "policy.onnx").write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "one flipped bit": damage_policy,
    "shorter": lambda slot: os.truncate(slot / "policy.onnx", 10),
    "no policy": lambda slot: (slot / "policy.onnx").unlink(),
    "no manifest": lambda slot: (slot / "manifest.json").unlink(),
    "manifest is not JSON": lambda slot: (slot / "manifest.json").write_text("{"),
    "manifest is not UTF-8": lambda slot: (slot / "manifest.json").write_bytes(b"\xff\xfe"),
    "manifest lacks a field": lambda slot: (slot / "manifest.json").write_text('{"format": 1}'),
    "manifest is endless": lambda slot: os.truncate(slot / "manifest.json", 2_000_000),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_seen_by_status_and_refused_by_rollback(damage: str, folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    install(policies[1], folder)
    target = DirectoryTarget(folder)
    DAMAGES[damage](folder / "slot_a")
    assert status(target).problem is None
    assert [slot.complete for slot in status(target).slots] == [False, True]
    with pytest.raises(FlashError, match="cannot go back: slot_a") as caught:
        rollback(target)
    assert "\n" not in str(caught.value)
    assert sha(current(folder)) == sha(policies[1])


@pytest.mark.parametrize("damage", DAMAGES)
def test_from_a_damaged_active_slot_both_flash_and_rollback_lead_out(
    damage: str, folder: Path, policies: list[Path]
) -> None:
    target = DirectoryTarget(folder)
    for way_out in (lambda: rollback(target), lambda: install(policies[2], folder)):
        install(policies[0], folder)
        install(policies[1], folder)
        active = status(target).active
        DAMAGES[damage](folder / str(active))
        assert f"the active {active}" in str(status(target).problem)
        way_out()
        assert status(target).problem is None


def test_a_policy_for_settings_the_robot_no_longer_has_is_told_and_not_gone_back_to(
    folder: Path, policies: list[Path]
) -> None:
    install(policies[0], folder)
    install(policies[1], folder)
    changed = load_robot("pendulum", ("joints.pivot.effort_limit=0.25 N*m",))
    assert "other settings" in str(status(DirectoryTarget(folder), changed).problem)
    with pytest.raises(FlashError, match="other settings"):
        rollback(DirectoryTarget(folder), changed)


def test_status_writes_nothing(folder: Path, policies: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    install(policies[0], folder)
    with failing_call(-1, lambda _: None, monkeypatch) as calls:
        status(DirectoryTarget(folder), ROBOT)
    assert calls == []


def test_an_endless_manifest_is_not_read(folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    DAMAGES["manifest is endless"](folder / "slot_a")
    assert "larger than" in str(status(DirectoryTarget(folder)).problem)


def test_flashing_the_active_policy_again_mends_it_where_it_is_damaged(folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    damage_policy(folder / "slot_a")
    assert install(policies[0], folder).changed
    assert sha(current(folder)) == sha(policies[0])


# Two at once


def test_two_flashes_exclude_each_other(folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    with DirectoryTarget(folder).exclusive():
        for act in (lambda: install(policies[1], folder), lambda: rollback(DirectoryTarget(folder))):
            with pytest.raises(FlashError, match="another flash or rollback is at work"):
                act()
    assert install(policies[1], folder).changed


# Failures at every step


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_an_error_at_any_step_leaves_a_whole_policy_active_and_the_next_flash_works(
    code: int, folder: Path, policies: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise OSError(code, os.strerror(code))

    failed = []
    for number in range(CALLS_MAX):
        install(policies[2], folder)
        assert sha(current(folder)) == sha(policies[2])
        error = None
        with failing_call(number, fail, monkeypatch) as calls:
            try:
                install(policies[number % 2], folder)
            except UserError as caught:
                error = caught
        if len(calls) <= number:
            break
        failed.append(calls[number])
        # What fails after the switch, or is only tidying up, is no error: the new policy is active.
        assert "\n" not in str(error)
        switched = error is None or "replace" in calls[:number]
        assert sha(current(folder)) == sha(policies[number % 2] if switched else policies[2])
        assert status(DirectoryTarget(folder), ROBOT).problem is None
    else:
        raise AssertionError("the sweep did not come to its end")
    assert {"open", "write", "fsync", "mkdir", "rename", "replace", "symlink", "unlink"} <= set(failed)


def test_a_disk_that_fills_up_in_the_middle_of_the_file_gets_its_space_back(
    folder: Path, policies: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(policies[0], folder)
    install(policies[1], folder)
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(FlashError, match="cannot be written: No space left on device"):
            install(policies[2], folder)
    assert not (folder / "incoming").exists()
    # Even the policy to go back to is still there.
    rollback(DirectoryTarget(folder))
    assert sha(current(folder)) == sha(policies[0])


def test_a_disk_that_returns_other_bytes_than_were_written_is_noticed(
    folder: Path, policies: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(policies[0], folder)
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:-1] + b"?"))
        with pytest.raises(FlashError, match="does not read back"):
            install(policies[1], folder)
    assert sha(current(folder)) == sha(policies[0])


def replace_before_examination(path: Path, by: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace a file by another between its reading and its examination."""

    def examine_replaced(examined: Path, robot: RobotConfig) -> tuple[Contract, dict[str, str]]:
        if examined == path:
            path.write_bytes(by.read_bytes())
        return examine(examined, robot)

    monkeypatch.setattr("sim2real.runtime.flash.install.examine", examine_replaced)


def test_a_copy_that_no_longer_runs_is_not_switched_to(
    folder: Path, policies: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(policies[0], folder)
    changing = write_policy(policies[1].with_name("changing.onnx"), contract=other_robot())
    replace_before_examination(changing, policies[1], monkeypatch)
    with pytest.raises(UserError, match="another robot"):
        install(changing, folder)
    assert sha(current(folder)) == sha(policies[0])


def test_a_file_that_is_replaced_by_another_policy_meanwhile_is_not_installed(
    folder: Path, policies: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    another = CONTRACT.model_copy(update={"task": "another"})
    changing = write_policy(policies[1].with_name("changing.onnx"), contract=another)
    replace_before_examination(changing, policies[1], monkeypatch)
    with pytest.raises(FlashError, match="changed while it was being installed"):
        install(changing, folder)


def test_nothing_gets_its_name_before_it_is_on_the_disk(
    folder: Path, policies: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(policies[0], folder)
    with failing_call(-1, lambda _: None, monkeypatch) as calls:
        install(policies[1], folder)
    policy, manifest, entries, slot, current_link, record, record_name = ["fsync"] * 7
    order = [policy, manifest, entries, "rename", slot, "replace", current_link, record, "rename", record_name]
    assert [name for name in calls if name in ("fsync", "rename", "replace")] == order


# Killed at every step

KILLED = """
import os, shutil, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from sim2real.configs.load import load_robot
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.model_trial import try_model
import sim2real.runtime.flash.directory
import sim2real.runtime.policy

folder, first, second, third = map(Path, sys.argv[1:5])
if sys.argv[5] == "in two steps":
    sim2real.runtime.flash.directory.exchange = lambda one, two: False
robot = load_robot("pendulum")
flash(third, robot, DirectoryTarget(folder / "base"))
flash(first, robot, DirectoryTarget(folder / "base"))
try_model(second, second.read_bytes())  # once, and not in each child
calls = 0

def deadly(original, number):
    def call(*args, **kwargs):
        global calls
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)
        calls += 1
        return original(*args, **kwargs)
    return call

for number in range(100):
    child = os.fork()
    if child == 0:
        shutil.copytree(folder / "base", folder / str(number), symlinks=True)
        for name in sys.argv[6:]:
            setattr(os, name, deadly(getattr(os, name), number))
        flash(second, robot, DirectoryTarget(folder / str(number)))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    assert os.WTERMSIG(status) == signal.SIGKILL
sys.exit("the sweep did not come to its end")
"""


@pytest.mark.slow
@pytest.mark.parametrize("exchanged", ["in one step", "in two steps"])
def test_killed_at_any_step_both_slots_are_whole_and_the_next_flash_works(
    exchanged: str, tmp_path: Path, policies: list[Path]
) -> None:
    steps, (first, second, third) = tmp_path / "steps", map(sha, policies)
    arguments = [str(steps), *map(str, policies), exchanged, *MUTATIONS]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    folders = sorted((path for path in steps.iterdir() if path.name != "base"), key=lambda path: int(path.name))
    assert len(folders) > 15
    seen = []
    for folder in folders:
        target = DirectoryTarget(folder)
        found = status(target, ROBOT)
        assert found.problem is None, folder
        assert all(slot.complete for slot in found.slots), folder
        active, back = (
            {slot.name == found.active: slot.manifest.sha256 for slot in found.slots}[at] for at in (True, False)
        )
        assert sha(current(folder)) == active
        seen.append((active, back))
        rollback(target, ROBOT)
        assert sha(current(folder)) == back
        if int(folder.name) % 5 == 0:
            assert install(policies[1], folder).changed == (back != second)
            assert sha(current(folder)) == second
        assert not {"incoming", "outgoing"} & set(os.listdir(folder))
    stages = [(first, third), (first, second), (second, first)]  # active, and the one to go back to
    assert sorted(seen, key=stages.index) == seen
    assert set(seen) == set(stages)


def test_the_lock_dies_with_its_process(folder: Path, policies: list[Path]) -> None:
    script = (
        "import sys, time; from pathlib import Path; from sim2real.runtime.flash.directory import DirectoryTarget\n"
        "with DirectoryTarget(Path(sys.argv[1])).exclusive():\n    print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FlashError, match="another flash"):
            install(policies[0], folder)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    assert install(policies[0], folder).changed


@pytest.mark.parametrize("name", ["slot_a/policy.onnx", "slot_a/manifest.json", "record.json"])
def test_a_pipe_in_a_targets_folder_hangs_nobody(name: str, folder: Path, policies: list[Path]) -> None:
    install(policies[0], folder)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    if name == "record.json":
        with pytest.raises(FlashError, match="Not a regular file"):
            status(DirectoryTarget(folder))
    else:
        assert "Not a regular file" in str(status(DirectoryTarget(folder)).problem)
