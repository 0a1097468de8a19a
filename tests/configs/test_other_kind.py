"""Laws of files of another kind than the one that is meant: one line says what they are."""

import itertools
from pathlib import Path

import pytest

from sim2real.configs.errors import ConfigError
from sim2real.configs.library import KINDS, ROOT, shipped
from sim2real.configs.load import SCHEMAS, load
from sim2real.configs.policy_reference import find_policy

PAIRS = list(itertools.permutations(KINDS, 2))


@pytest.mark.parametrize(("kind", "other"), PAIRS, ids=str)
def test_every_shipped_file_of_another_kind_is_called_what_it_is_or_its_unknown_key_is_named(
    kind: str, other: str
) -> None:
    for name in shipped(other):
        path = ROOT / other / f"{name}.yaml"
        with pytest.raises(ConfigError) as caught:
            load(kind, SCHEMAS[kind], str(path))
        text = str(caught.value)
        assert "\n" not in text
        assert str(path) in text
        assert ", where " in text or "unknown key" in text or "required" in text or "missing" in text, text


@pytest.mark.parametrize(
    ("kind", "other", "said"),
    [
        ("experiments", "robots", "is the YAML of a robot, where an experiment is meant; `sim2real new task"),
        ("experiments", "tasks", "is a task, where an experiment is meant; `sim2real new experiment"),
        ("tasks", "robots", "is the YAML of a robot, where a task is meant; `sim2real new task"),
        ("robots", "tasks", "is a task, where the YAML of a robot is meant"),
        ("robots", "motors", "is a motor, where the YAML of a robot is meant"),
        ("randomization", "experiments", "is an experiment, where a randomization is meant"),
    ],
)
def test_what_would_make_the_kind_that_is_meant_is_said(kind: str, other: str, said: str) -> None:
    path = ROOT / other / f"{shipped(other)[0]}.yaml"
    with pytest.raises(ConfigError) as caught:
        load(kind, SCHEMAS[kind], str(path))
    assert said in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("arm.xml", "is a robot's model"),
        ("arm.urdf", "is a robot's model"),
        ("arm.onnx", "is a policy"),
        ("arm.mcap", "is a log"),
    ],
)
def test_a_file_that_is_no_yaml_is_called_what_its_name_says(kind: str, name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ConfigError, match=f"{said}, where .* is meant; `sim2real"):
        load(kind, SCHEMAS[kind], str(tmp_path / name))


@pytest.mark.parametrize("name", ["arm.xml", "arm.mcap", "arm.yaml"])
def test_what_is_no_policy_is_called_what_it_is(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ConfigError, match="where a policy is meant"):
        find_policy(tmp_path / name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_its_kind_with_a_typo_keeps_the_message_with_its_line(kind: str, tmp_path: Path) -> None:
    text = (ROOT / kind / f"{shipped(kind)[0]}.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text + "\nrobott: x\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml:\d+.*robott: unknown key|mine\.yaml"):
        load(kind, SCHEMAS[kind], str(tmp_path / "mine.yaml"))
