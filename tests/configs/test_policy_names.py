"""Laws of policy references: shipped policies by name, others by path."""

from pathlib import Path

import pytest

from sim2real.configs import library
from sim2real.configs.errors import ConfigError
from sim2real.configs.library import find_policy, shipped_policies


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library with one policy, and an empty working directory."""
    (tmp_path / "library" / "policies").mkdir(parents=True)
    (tmp_path / "library" / "policies" / "walk.onnx").write_bytes(b"model")
    (tmp_path / "here").mkdir()
    monkeypatch.setattr(library, "ROOT", tmp_path / "library")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_a_name_is_the_shipped_file(shelf: Path) -> None:
    assert shipped_policies() == ["walk"]
    assert find_policy("walk") == find_policy(Path("walk")) == shelf / "library" / "policies" / "walk.onnx"


@pytest.mark.parametrize("path", ["walk.onnx", "./walk.onnx", "runs/walk", "/tmp/walk", "gone.onnx"])  # noqa: S108
def test_a_path_is_returned_unchanged_even_if_missing(path: str, shelf: Path) -> None:
    assert find_policy(path) == Path(path)


def test_an_existing_file_takes_precedence_over_a_shipped_name(shelf: Path) -> None:
    Path("walk").mkdir()
    assert find_policy("walk") == Path("walk")


def test_an_unknown_name_is_refused_with_the_closest(shelf: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        find_policy("wlak")
    assert str(caught.value) == (
        "no policy named 'wlak' (did you mean 'walk'?); shipped: walk; or give a path to an ONNX file"
    )


def test_a_name_too_long_for_the_file_system_is_one_line(shelf: Path) -> None:
    with pytest.raises(ConfigError, match=r"^x+: File name too long$"):
        find_policy("x" * 300)
