"""Laws of policy and run references: a name, a folder or a file is the same thing everywhere."""

from pathlib import Path

import pytest

from sim2real.configs import library, policy_reference
from sim2real.configs.errors import ConfigError
from sim2real.configs.library import shipped_policies
from sim2real.configs.policy_reference import find_policy, find_run, policy_file, shipped_policy


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library with one policy, and a working directory with the runs `first` and `cut`, and the target `desk`."""
    (tmp_path / "library" / "policies").mkdir(parents=True)
    (tmp_path / "library" / "policies" / "walk.onnx").write_bytes(b"model")
    here = tmp_path / "here"
    for run in ("first", "cut"):
        (here / "runs" / run).mkdir(parents=True)
        (here / "runs" / run / "config.yaml").write_text("name: x\n")
    (here / "runs" / "first" / "policy.onnx").write_bytes(b"model")
    (here / "robots" / "desk" / "slot_a").mkdir(parents=True)
    (here / "robots" / "desk" / "slot_a" / "policy.onnx").write_bytes(b"model")
    (here / "robots" / "desk" / "current").symlink_to("slot_a")
    monkeypatch.setattr(library, "ROOT", tmp_path / "library")
    monkeypatch.setattr(policy_reference, "ROOT", tmp_path / "library")
    monkeypatch.chdir(here)
    return tmp_path


def refused(find, reference: str) -> str:
    with pytest.raises(ConfigError) as caught:
        find(reference)
    return str(caught.value)


def test_a_name_is_the_shipped_file(shelf: Path) -> None:
    shipped = shelf / "library" / "policies" / "walk.onnx"
    assert shipped_policies() == ["walk"]
    assert find_policy("walk") == find_policy(Path("walk")) == policy_file("walk") == shipped_policy("walk") == shipped


@pytest.mark.parametrize("path", ["walk.onnx", "./walk.onnx", "runs/walk", "/tmp/walk", "gone.onnx"])  # noqa: S108
def test_a_path_is_returned_unchanged_even_if_missing(path: str, shelf: Path) -> None:
    assert find_policy(path) == Path(path)


@pytest.mark.parametrize("reference", ["first", "runs/first", "./runs/first"])
def test_a_run_is_found_by_its_name_or_its_folder(reference: str, shelf: Path) -> None:
    assert find_policy(reference) == find_run(reference) == Path("runs/first")
    assert policy_file(reference) == Path("runs/first/policy.onnx")


def test_a_folder_that_policies_are_flashed_into_is_its_active_policy(shelf: Path) -> None:
    active = Path("robots/desk/current/policy.onnx")
    assert find_policy("robots/desk") == policy_file("robots/desk") == policy_file("robots/desk/") == active


def test_a_run_that_exported_nothing_names_the_command_that_does(shelf: Path) -> None:
    assert find_policy("cut") == Path("runs/cut")
    assert refused(policy_file, "cut") == (
        "runs/cut: this run has not exported its policy; write it with: sim2real export runs/cut"
    )


def test_a_folder_without_a_policy_is_refused(shelf: Path) -> None:
    assert refused(policy_file, "robots").startswith("robots: no policy in this folder; valid: an ONNX file, a run, or")


@pytest.mark.parametrize("place", ["walk/config.yaml", "runs/walk/config.yaml"])
def test_a_name_of_two_things_is_refused_with_their_paths(place: str, shelf: Path) -> None:
    """A policy moves motors: which one it is must be no guess."""
    Path(place).parent.mkdir()
    Path(place).write_text("name: x\n")
    folder = str(Path("walk").absolute()) if place.startswith("walk") else "runs/walk"
    shipped = shelf / "library" / "policies" / "walk.onnx"
    assert refused(find_policy, "walk") == f"'walk' names 2 things; give the path of one: {folder}, {shipped}"
    assert find_policy(folder) == Path(folder)


def test_a_folder_of_that_name_with_other_things_hides_no_policy(shelf: Path) -> None:
    Path("walk").mkdir()
    assert find_policy("walk") == shelf / "library" / "policies" / "walk.onnx"


def test_a_file_without_a_suffix_is_a_policy(shelf: Path) -> None:
    Path("mine").write_bytes(b"model")
    assert find_policy("mine") == Path("mine")


def test_an_unknown_name_is_refused_with_the_closest(shelf: Path) -> None:
    valid = "shipped: walk; in runs/: cut, first; or give a path to an ONNX file or a run"
    assert refused(find_policy, "wlak") == f"no policy or run named 'wlak' (did you mean 'walk'?); {valid}"
    assert refused(find_policy, "frist") == f"no policy or run named 'frist' (did you mean 'first'?); {valid}"
    assert refused(shipped_policy, "frist").startswith("no policy named 'frist'; shipped: walk")


def test_an_unknown_run_is_refused_with_the_closest(shelf: Path) -> None:
    for reference in ("frist", "runs/frist"):
        assert refused(find_run, reference) == (
            f"{reference}: not a run: no such folder (did you mean 'first'?); in runs/: cut, first"
        )
    assert refused(find_run, "nowhere/first") == "nowhere/first: not a run: no such folder; in nowhere/: none"


def test_a_run_is_looked_for_among_the_given_runs(shelf: Path) -> None:
    other = Path("other")
    (other / "first").mkdir(parents=True)
    (other / "first" / "config.yaml").write_text("name: x\n")
    assert find_run("first", other) == other / "first"
    assert find_run("runs/first", other) == Path("runs/first")


def test_a_name_too_long_for_the_file_system_is_one_line(shelf: Path) -> None:
    with pytest.raises(ConfigError, match=r"^x+: File name too long$"):
        find_policy("x" * 300)
