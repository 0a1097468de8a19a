"""Laws of the `config` command."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sim2real.commands.root import app
from sim2real.configs.library import KINDS, shipped, shipped_policies
from sim2real.configs.load import load_experiment, load_robot


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["config", *map(str, arguments)])


def test_list_says_of_everything_that_is_shipped_what_it_is() -> None:
    found = json.loads(invoke("list", "--json").stdout)
    assert {kind: list(found[kind]) for kind in KINDS} == {kind: shipped(kind) for kind in KINDS}
    assert list(found["policies"]) == shipped_policies()
    assert found["robots"]["pendulum"] == load_robot("pendulum").description
    lines = invoke("list").stdout.splitlines()
    for kind in (*KINDS, "policies"):
        for name, text in found[kind].items():
            assert text
            assert any(line.split()[:1] == [name] and len(line.split()) > 1 for line in lines)


@pytest.mark.parametrize("kind", ["robots", "robot", "policies", "policy", "randomization"])
def test_list_of_one_kind_by_its_name_in_the_singular_too(kind: str) -> None:
    found = json.loads(invoke("list", kind, "--json").stdout)
    assert [name for name in found if name not in ("ok", "reasons")] == [
        {"robot": "robots", "policy": "policies"}.get(kind, kind)
    ]


def test_show_prints_yaml_that_loads_to_the_same(tmp_path: Path) -> None:
    shown = invoke("show", "experiments", "pendulum_ppo", "--set", "seed=7")
    assert shown.exit_code == 0
    path = tmp_path / "shown.yaml"
    path.write_text(shown.stdout)
    assert load_experiment(str(path)) == load_experiment("pendulum_ppo", ("seed=7",))


def test_show_as_json_is_what_the_loader_gives() -> None:
    document = json.loads(invoke("show", "robots", "pendulum", "--json").stdout)
    assert document["ok"]
    assert document["config"] == load_robot("pendulum").model_dump(mode="json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["show", "robto", "pendulum"],
            "no kind of configuration named 'robto' (did you mean 'robots'?); valid: experiments",
        ),
        (["list", "policis"], "no kind of configuration named 'policis' (did you mean 'policies'?)"),
        (["show", "robots", "pendulm"], "did you mean 'pendulum'?"),
        (["show", "robots", "pendulum", "--set", "joints.pivot.id=x"], "joints.pivot.id: must be a valid integer"),
        (["schema", "/dev/null/x"], "/dev/null/x: cannot be written: Not a directory"),
    ],
)
def test_a_mistake_is_one_line_and_status_1(arguments: list[str], message: str) -> None:
    result = invoke(*arguments, "--json")
    assert result.exit_code == 1
    assert message in json.loads(result.stdout)["reasons"][0]
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1


def test_check_also_knows_which_terms_there_are() -> None:
    assert json.loads(invoke("check", "experiments", "quadruped_walk", "--json").stdout)["name"] == "quadruped_walk"
    arguments = ("tasks", "pendulum_swingup", "--set", "rewards.0.term=goal_cosin")
    assert invoke("show", *arguments).exit_code == 0
    result = invoke("check", *arguments)
    assert result.exit_code == 1
    assert "rewards.0.term: no reward named 'goal_cosin' (did you mean 'goal_cosine'?); valid: " in result.stderr


def test_editors_are_offered_the_shipped_terms(tmp_path: Path) -> None:
    invoke("schema", tmp_path)
    schema = json.loads((tmp_path / "tasks.json").read_text())
    offered = schema["$defs"]["RewardTermConfig"]["properties"]["term"]["anyOf"][0]["enum"]
    assert {"alive", "velocity_tracking"} <= set(offered)
    assert "gyro" in schema["$defs"]["ObservationTermConfig"]["properties"]["term"]["enum"]


def test_schema_writes_one_file_for_each_kind(tmp_path: Path) -> None:
    document = json.loads(invoke("schema", tmp_path / "deep" / "schema", "--json").stdout)
    assert [Path(path).stem for path in document["paths"]] == list(KINDS)
    for path in document["paths"]:
        assert json.loads(Path(path).read_text())["type"] == "object"


@pytest.mark.parametrize("command", ["list", "show", "check", "schema"])
def test_help_has_an_example(command: str) -> None:
    result = invoke(command, "--help")
    assert f"Example: sim2real config {command}" in " ".join(result.stdout.split())
