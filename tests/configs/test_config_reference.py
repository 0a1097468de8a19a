"""Laws of what a person may type for a configuration: a shipped name, a name here, a folder, or a file."""

from pathlib import Path

import pytest

from sim2real.configs.config_reference import find_given
from sim2real.configs.errors import ConfigError
from sim2real.configs.library import KINDS, ROOT, shipped
from sim2real.configs.load import SCHEMAS, load, load_robot


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def copied(kind: str, target: str) -> Path:
    """Copy the first shipped file of a kind."""
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((ROOT / kind / f"{shipped(kind)[0]}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return path.absolute()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reference", ["mine", "mine.yaml", "./mine.yaml", "folder", "folder/", "./folder"])
def test_every_kind_is_taken_by_name_file_and_folder(kind: str, reference: str) -> None:
    file = copied(kind, "folder/any.yaml" if "folder" in reference else "mine.yaml")
    assert find_given(kind, reference, SCHEMAS[kind]) == file


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_several_kinds_has_the_one_that_is_meant(kind: str) -> None:
    files = {each: copied(each, f"mine/{each}.yaml") for each in KINDS if each not in ("gymnasium",)}
    Path("mine/broken.yaml").write_text("a: [")
    if kind in files:
        assert find_given(kind, "mine", SCHEMAS[kind]) == files[kind]


def test_a_name_of_two_things_is_refused_with_their_paths() -> None:
    file = copied("robots", "pendulum.yaml")
    with pytest.raises(ConfigError) as caught:
        load_robot("pendulum")
    shipped_file = ROOT / "robots" / "pendulum.yaml"
    assert str(caught.value) == (f"'pendulum' names 2 robots; give the path of one: ./{file.name}, {shipped_file}")
    assert load("robots", SCHEMAS["robots"], str(shipped_file)).name == "pendulum"


def test_a_file_of_another_kind_hides_no_shipped_name() -> None:
    copied("tasks", "pendulum.yaml")
    assert load_robot("pendulum").name == "pendulum"


def test_what_is_wrong_in_an_own_file_is_said_with_its_line() -> None:
    Path("mine.yaml").write_text("name: mine\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml:1: "):
        load_robot("mine")


def test_a_folder_without_or_with_several_is_refused() -> None:
    Path("empty").mkdir()
    with pytest.raises(ConfigError, match=r"^empty: no YAML file of robots in this folder$"):
        load_robot("./empty")
    copied("robots", "two/a.yaml")
    copied("robots", "two/b.yaml")
    with pytest.raises(ConfigError, match=r"^two: 2 files of robots in this folder; give one: two/a.yaml, two/b.yaml$"):
        load_robot("two")
