"""Laws of trust: only what a trusted key has signed, to the byte, is installed, run or gone back to."""

import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from flash_models import ROBOT, write_copy, write_policy

from sim2real.configs.errors import UserError
from sim2real.configs.load import load_target
from sim2real.runtime.flash.directory import DirectoryTarget
from sim2real.runtime.flash.install import flash
from sim2real.runtime.flash.manifest import FlashError
from sim2real.runtime.flash.results import Installed
from sim2real.runtime.flash.rollback import rollback, status, trust
from sim2real.runtime.flash.terms import Gate, Terms
from sim2real.runtime.flash.trust import Trust
from sim2real.runtime.policy import load_policy
from sim2real.runtime.signature.detached import sign, signature_beside, signature_path
from sim2real.runtime.signature.secret_key import SecretKey

KEY, STRANGER = (SecretKey.of_seed(bytes([number] * 8), bytes([number] * 32)) for number in (1, 2))
STRICT = Terms(trust=Trust(keys=(KEY.public.line,)))
LENIENT = Terms(trust=Trust(keys=(KEY.public.line,), unsigned="accept"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "robot"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return signed(write_policy(tmp_path / "policy.onnx"))


def signed(policy: Path, key: SecretKey = KEY) -> Path:
    signature_path(policy).write_text(sign(policy.read_bytes(), key, "test").text())
    return policy


def install(policy: Path, folder: Path, terms: Terms | None = STRICT) -> Installed:
    return flash(policy, ROBOT, DirectoryTarget(folder), terms=terms)


def test_what_a_trusted_key_signed_is_installed_with_its_signature_and_runs(policy: Path, folder: Path) -> None:
    result = install(policy, folder)
    assert result.slot.manifest is not None
    assert result.slot.manifest.signed_by == KEY.public.name
    assert signature_path(folder / "current" / "policy.onnx").read_text() == signature_path(policy).read_text()
    assert load_policy(folder / "current" / "policy.onnx").size
    assert status(DirectoryTarget(folder), ROBOT).problem is None


def test_an_unsigned_policy_and_one_by_a_stranger_are_refused_unless_the_target_accepts_them(
    tmp_path: Path, folder: Path
) -> None:
    bare = write_policy(tmp_path / "bare.onnx")
    strange = signed(write_policy(tmp_path / "strange.onnx"), STRANGER)
    for policy, words in ((bare, "it is not signed; trusted: 0101"), (strange, "signed by key 0202020202020202, not")):
        with pytest.raises(FlashError, match=words) as caught:
            install(policy, folder)
        assert str(caught.value).startswith(str(policy))
        assert not folder.exists()
        assert install(policy, tmp_path / policy.stem, LENIENT).changed


def test_a_signature_that_does_not_fit_is_refused_even_where_unsigned_policies_are_accepted(
    tmp_path: Path, policy: Path, folder: Path
) -> None:
    other = write_policy(tmp_path / "other.onnx", 7)
    shutil.copy(signature_path(policy), signature_path(other))
    with pytest.raises(FlashError, match="is not of this file"):
        install(other, folder, LENIENT)
    signature_path(other).write_text("what is this?\n")
    with pytest.raises(UserError, match="valid: one of"):
        install(other, folder, LENIENT)


def test_every_flipped_byte_and_every_length_of_a_signed_policy_is_refused(policy: Path, folder: Path) -> None:
    """The whole campaign is `sim2real bench flash`; here every 97th."""
    content, check = policy.read_bytes(), STRICT.trust
    assert check is not None
    signature = signature_beside(policy)
    for at in range(0, len(content), 97):
        for changed in (content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :], content[:at]):
            with pytest.raises(FlashError):
                check.check(changed, signature)


def test_other_metadata_under_the_same_signature_is_refused(tmp_path: Path, policy: Path, folder: Path) -> None:
    swapped = write_copy(tmp_path / "swapped.onnx", policy, steps="1000000")
    shutil.copy(signature_path(policy), signature_path(swapped))
    with pytest.raises(FlashError, match="is not of this file"):
        install(swapped, folder)


def test_a_target_that_trusts_no_key_says_so(policy: Path, folder: Path) -> None:
    with pytest.raises(FlashError, match="the target trusts no key: give it trusted_keys"):
        install(policy, folder, Terms(trust=Trust()))


# What the robot keeps


def test_a_robot_keeps_its_trust_whoever_flashes_next(tmp_path: Path, policy: Path, folder: Path) -> None:
    install(policy, folder)
    strange = signed(write_policy(tmp_path / "strange.onnx", 3), STRANGER)
    with pytest.raises(FlashError, match="not trusted here"):  # as a plain folder
        install(strange, folder, None)
    theirs = Terms(trust=Trust(keys=(STRANGER.public.line,)))
    with pytest.raises(FlashError, match=r"by the target's file it trusts 0202020202020202.*sim2real trust"):
        install(strange, folder, theirs)
    trust(DirectoryTarget(folder), theirs)
    assert install(strange, folder, theirs).changed


def test_after_a_change_of_keys_what_the_old_one_signed_is_neither_run_nor_gone_back_to(
    tmp_path: Path, policy: Path, folder: Path
) -> None:
    install(policy, folder)
    theirs = Terms(trust=Trust(keys=(STRANGER.public.line,)))
    trust(DirectoryTarget(folder), theirs)
    assert "is not trusted" in str(status(DirectoryTarget(folder)).problem)
    with pytest.raises(FlashError, match="is not trusted: it is signed by key 0101010101010101"):
        load_policy(folder / "current" / "policy.onnx")
    install(signed(write_policy(tmp_path / "new.onnx", 3), STRANGER), folder, theirs)
    with pytest.raises(FlashError, match=r"cannot go back: slot_a .* is not trusted"):
        rollback(DirectoryTarget(folder))


@pytest.mark.parametrize("damage", ["no signature", "another's", "policy and manifest replaced"])
def test_what_was_changed_in_a_slot_does_not_run(damage: str, tmp_path: Path, policy: Path, folder: Path) -> None:
    install(policy, folder)
    slot = folder / "slot_a"
    if damage == "no signature":
        (slot / "policy.onnx.minisig").unlink()
    elif damage == "another's":
        other = signed(write_policy(tmp_path / "other.onnx", 9))
        shutil.copy(signature_path(other), slot / "policy.onnx.minisig")
    else:
        install(signed(write_policy(tmp_path / "other.onnx", 9), STRANGER), tmp_path / "theirs", None)
        for name in ("policy.onnx", "manifest.json"):
            shutil.copy(tmp_path / "theirs" / "slot_a" / name, slot / name)
    with pytest.raises(FlashError, match="is not trusted"):
        load_policy(folder / "current" / "policy.onnx")
    assert "is not trusted" in str(status(DirectoryTarget(folder)).problem)


def test_a_damaged_record_is_told_and_nothing_is_flashed_or_run_on_its_word(policy: Path, folder: Path) -> None:
    install(policy, folder)
    (folder / "record.json").write_text("{")
    for act in (
        lambda: install(policy, folder),
        lambda: status(DirectoryTarget(folder)),
        lambda: load_policy(folder / "current" / "policy.onnx"),
    ):
        with pytest.raises(FlashError, match=r"record\.json: cannot be read"):
            act()


@pytest.mark.parametrize("name", ["policy.onnx", "manifest.json", "policy.onnx.minisig"])
def test_a_link_in_a_slot_is_refused(name: str, policy: Path, folder: Path) -> None:
    install(policy, folder)
    file = folder / "slot_a" / name
    file.rename(folder.parent / "elsewhere")
    file.symlink_to(folder.parent / "elsewhere")
    with pytest.raises(FlashError, match=rf"slot_a/{name} \(a link\)"):
        install(policy, folder)


# How old


def test_policies_from_before_a_date_are_refused_and_so_are_those_without_one(tmp_path: Path, folder: Path) -> None:
    terms = Terms(oldest_export="2026-11-02")
    for number, (exported, words) in enumerate(
        [
            ("2026-11-01T23:59:59+00:00", "was exported on 2026-11-01; this target takes none from before 2026-11-02"),
            ("2026-11-02T01:00:00+02:00", "was exported on 2026-11-01"),
            ("lately", "does not say when"),
            (None, "does not say when"),
        ]
    ):
        entries = {} if exported is None else {"exported_at": exported}
        policy = write_copy(tmp_path / f"{number}.onnx", write_policy(tmp_path / "base.onnx"), **entries)
        with pytest.raises(FlashError, match=words):
            install(policy, folder, terms)
    new = write_copy(tmp_path / "new.onnx", tmp_path / "base.onnx", exported_at="2026-11-02T00:00:00+00:00")
    assert install(new, folder, terms).changed
    with pytest.raises(FlashError, match="from before 2026-11-02"):  # and the date never goes back
        install(write_policy(tmp_path / "other.onnx", 5), folder, Terms(oldest_export="2020-01-01"))


def test_terms_are_those_of_the_targets_file(tmp_path: Path) -> None:
    path = tmp_path / "dog.yaml"
    path.write_text(
        f"name: dog\nkind: directory\npath: {tmp_path}\nrobot: pendulum\ntrusted_keys: [{KEY.public.line}]\n"
        "oldest_export: '2026-11-02'\nhealthy_for: 7 s\nstarts_max: 2\n"
    )
    terms = Terms.of(load_target(str(path)))
    assert terms.trust == STRICT.trust
    assert (str(terms.oldest_export), terms.gate.healthy_for, terms.gate.starts_max) == ("2026-11-02", 7.0, 2)
    for wrong, line in (("trusted_keys: [RW]", "trusted_keys"), ("oldest_export: soon", "oldest_export")):
        path.write_text(f"name: dog\nkind: directory\npath: x\nrobot: pendulum\n{wrong}\n")
        with pytest.raises(UserError, match=rf"dog\.yaml:5: {line}"):
            load_target(str(path))


# What a file asks for the first time

ASKS = STRICT.model_copy(update={"gate": Gate(healthy_for=5.0), "oldest_export": date(2020, 1, 1)})


def exported(path: Path, seed: int) -> Path:
    return write_copy(path, write_policy(path.with_name("base.onnx"), seed), exported_at="2026-11-02T00:00:00+00:00")


@pytest.mark.parametrize("already_signed", [False, True])
def test_what_a_file_asks_holds_after_its_flash_also_where_the_policy_was_active_already(
    already_signed: bool, tmp_path: Path, folder: Path
) -> None:
    # "Already active, nothing written" left out the file's keys, its trial and its date, and said ok.
    policy = exported(tmp_path / "policy.onnx", 1)
    if already_signed:
        signed(policy)
    install(policy, folder, None)
    result = install(signed(policy), folder, ASKS)
    assert result.on_trial
    assert result.changed is not already_signed  # the signature has to be in the slot
    assert DirectoryTarget(folder).record().terms == ASKS
    assert status(DirectoryTarget(folder), ROBOT).problem is None
    assert load_policy(folder / "current" / "policy.onnx").size
    assert not install(policy, folder, ASKS).changed
    with pytest.raises(FlashError, match="it is not signed"):
        install(exported(tmp_path / "bare.onnx", 9), folder, None)


def test_the_signature_that_a_slot_lacks_does_not_cost_the_policy_to_go_back_to(tmp_path: Path, folder: Path) -> None:
    first, second = signed(exported(tmp_path / "1.onnx", 1)), exported(tmp_path / "2.onnx", 2)
    install(first, folder, None)
    install(second, folder, None)
    install(signed(second), folder, ASKS)
    assert (folder / "current" / "policy.onnx").read_bytes() == second.read_bytes()
    assert rollback(DirectoryTarget(folder)).changed
    assert (folder / "current" / "policy.onnx").read_bytes() == first.read_bytes()


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("same", [False, True])
def test_cut_off_anywhere_in_the_first_flash_that_asks_for_signatures_a_policy_runs(
    same: bool, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The record asked for signatures an instant before the signed policy was active; the one before did not run then.
    old, new = exported(tmp_path / "old.onnx", 1), exported(tmp_path / "new.onnx", 2)
    install(new if not same else old, tmp_path / "base", None)
    install(old, tmp_path / "base", None)
    signed(old if same else new)
    names = ("rename", "replace", "symlink", "fsync")
    originals = {name: getattr(os, name) for name in names}
    steps = 0
    for number in range(100):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "base", folder, symlinks=True)
        left = [number]

        def deadly(name: str, left: list[int] = left) -> Callable[..., object]:
            def call(*arguments: object, **named: object) -> object:
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
                return originals[name](*arguments, **named)

            return call

        with monkeypatch.context() as patched:
            for name in names:
                patched.setattr(os, name, deadly(name))
            try:
                install(old if same else new, folder, ASKS)
            except Killed:
                steps += 1
            else:
                break
        assert load_policy(folder / "current" / "policy.onnx").size
        assert status(DirectoryTarget(folder), ROBOT).problem is None
        install(old if same else new, folder, ASKS)
        assert DirectoryTarget(folder).record().terms == ASKS
    assert 5 < steps < 100


def test_the_date_of_a_file_holds_for_going_back_too(tmp_path: Path, folder: Path) -> None:
    for number in (1, 2):
        install(exported(tmp_path / f"{number}.onnx", number), folder, None)
    later = Terms(oldest_export=date(2026, 11, 3))
    with pytest.raises(FlashError, match="takes none from before 2026-11-03"):
        rollback(DirectoryTarget(folder), ROBOT, terms=later)
    assert rollback(DirectoryTarget(folder), ROBOT).changed
