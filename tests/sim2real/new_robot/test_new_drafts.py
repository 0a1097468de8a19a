"""Laws of `new scenario` and `new experiment`: what they write works as it stands, and nothing is overwritten."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.library import ROOT
from sim2real.configs.load import load_experiment, load_scenario


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, code: int = 0) -> dict[str, object]:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == code, (result.output, result.exception)
    document: dict[str, object] = json.loads(result.stdout)
    return document


def own_task(folder: str) -> str:
    Path(folder).mkdir()
    text = (ROOT / "tasks" / "pendulum_swingup.yaml").read_text()
    path = Path(folder, "mine.yaml")
    path.write_text(text.replace("name: pendulum_swingup", "name: mine"))
    return str(path)


def test_a_new_scenario_passes_as_it_is() -> None:
    assert run("new", "scenario", "pendulum_swingup", "--name", "first")["path"] == "first.yaml"
    (result,) = run("hil", "first.yaml", "--plant", "inertia", "--set", "duration=1 s", "--set", "expect.goal=null")[
        "scenarios"
    ]  # type: ignore[misc]
    assert result["ok"]


@pytest.mark.parametrize("task", sorted(path.stem for path in (ROOT / "tasks").glob("*.yaml")))
def test_drafts_of_every_shipped_task_load(task: str) -> None:
    scenario = load_scenario(str(run("new", "scenario", task)["path"]))
    assert scenario.task.name == task
    assert scenario.faults is not None
    assert scenario.expect.goal
    experiment = load_experiment(str(run("new", "experiment", task)["path"]))
    assert (experiment.task.name, experiment.algorithm.name) == (task, "ppo")


def test_a_draft_of_a_shipped_task_has_the_settings_of_the_shipped_experiment() -> None:
    document = run("new", "experiment", "pendulum_swingup", "--algorithm", "sac", "--name", "mine")
    assert document["from"] == "pendulum_sac"
    mine, theirs = load_experiment("mine"), load_experiment("pendulum_sac")
    assert mine.model_copy(update={"name": theirs.name, "description": theirs.description}) == theirs


def test_a_task_of_one_s_own_is_named_from_where_the_file_stands() -> None:
    task = own_task("tasks")
    Path("tests").mkdir()
    made = run("new", "scenario", task, "-o", "tests/one.yaml")
    assert load_scenario(str(made["path"])).task.name == "mine"
    made = run("new", "experiment", task, "--algorithm", "td3", "-o", "tests/two.yaml")
    assert load_experiment(str(made["path"])).randomization.name == "pendulum"
    shutil.move("tasks/mine.yaml", "mine.yaml")
    assert load_scenario(str(run("new", "scenario", "mine")["path"])).task.name == "mine"


@pytest.mark.parametrize("kind", ["scenario", "experiment"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pendulum_swingpu",), "did you mean 'pendulum_swingup'"),
        (("pendulum_swingup", "--name", "a b"), "not a valid name"),
        (("pendulum_swingup", "-o", "there.yaml"), "is there already; --force"),
        (("pendulum_swingup", "-o", "gone/x.yaml"), "there is no folder gone"),
        (("pendulum_swingup", "-o", "x.txt"), "no YAML file"),
    ],
)
def test_a_wrong_call_is_one_line_and_writes_nothing(kind: str, arguments: tuple[str, ...], said: str) -> None:
    Path("there.yaml").write_text("mine")
    (reason,) = run("new", kind, *arguments, code=1)["reasons"]  # type: ignore[misc]
    assert said in reason
    assert [path.name for path in Path().iterdir()] == ["there.yaml"]
    assert Path("there.yaml").read_text() == "mine"


def test_an_unknown_algorithm_names_the_closest() -> None:
    (reason,) = run("new", "experiment", "so101_hold", "--algorithm", "pop", code=1)["reasons"]  # type: ignore[misc]
    assert "did you mean 'ppo'" in reason
    assert list(Path().iterdir()) == []
