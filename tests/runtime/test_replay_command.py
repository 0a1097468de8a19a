"""Laws of `sim2real replay`: a proof or the first difference, in one document; what is wrong is one line."""

import json
from pathlib import Path

import pytest
from test_tick_fields import DATA, rewrite
from typer.testing import CliRunner

from sim2real.commands.root import app
from sim2real.configs.library import shipped_policies
from sim2real.runtime import replay as replay_module
from sim2real.runtime.log import read_log

LOG = DATA / "pendulum_swingup.mcap"


def invoke(*arguments: object):
    return CliRunner().invoke(app, ["replay", *(str(argument) for argument in arguments)])


@pytest.mark.parametrize("name", shipped_policies())
def test_the_log_of_every_shipped_policy_is_proved_exact_with_the_policy_itself(name: str, tmp_path: Path) -> None:
    from sim2real.configs.policy_reference import find_policy
    from sim2real.runtime.policy import OnnxPolicy

    log, robot = tmp_path / "run.mcap", OnnxPolicy(find_policy(name)).contract.robot.name
    options = ("--robot", robot, "--lockstep", "--plant", "inertia", "--faults", "lossy_bus", "--duration", "0.5")
    run = CliRunner().invoke(app, ["run", name, *options, "--log", str(log), "--json"])
    assert json.loads(run.stdout)["logged_ticks"] > 20, run.output
    document = json.loads(invoke(log, "--policy", name, "--json").stdout)
    assert document["ok"], document["reasons"]
    assert document["complete"]
    assert document["ticks"] > 10
    assert document["policy_sha256"] == document["logged_policy_sha256"]
    assert document["mismatches"] == dict.fromkeys(replay_module.WHAT, 0)
    assert document["with_safety"]
    assert document["stopped_at"] is None
    assert document["first"] is None


def test_without_a_policy_observations_and_targets_are_compared() -> None:
    result = invoke(LOG)
    assert result.exit_code == 0, result.output
    assert "ok: observations and targets come out bit for bit" in result.stdout


def test_the_first_difference_is_told_and_the_command_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    log = read_log(LOG)
    tick = [tick for tick in log.ticks if tick["ran"]][20]
    tick["observation"][3] += 0.5
    old, new = tick["observation"][3], tick["observation"][3] - 0.5
    monkeypatch.setattr(replay_module, "read_log", lambda _path: log)
    result = invoke(LOG, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert document["mismatches"] == dict.fromkeys(replay_module.WHAT, 0) | {"observation": 1}
    assert document["first"] == {
        "tick": tick["tick"],
        "what": "observation",
        "index": 3,
        "logged": pytest.approx(old),
        "replayed": pytest.approx(new),
    }
    (reason,) = document["reasons"]
    assert "ticks: observation 1; the first: " in reason
    assert f"; the first: observation[3] of tick {tick['tick']}: logged " in reason


def test_a_cut_log_is_proved_as_far_as_it_goes(tmp_path: Path) -> None:
    cut = tmp_path / "cut.mcap"
    whole = LOG.read_bytes()
    cut.write_bytes(whole[: whole.index(b"sim2real.run")])  # the record that closes it
    document = json.loads(invoke(cut, "--json").stdout)
    assert document["ok"], document["reasons"]
    assert not document["complete"]
    assert "the log was cut off or is damaged" in invoke(cut).stdout


def test_a_log_in_which_the_policy_never_ran_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = read_log(LOG)
    for tick in log.ticks:
        tick["ran"] = False
    monkeypatch.setattr(replay_module, "read_log", lambda _path: log)
    document = json.loads(invoke(LOG, "--json").stdout)
    assert not document["ok"]
    assert document["reasons"] == ["the policy never ran in this log: there is nothing to replay"]


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no.mcap"], "no.mcap: cannot be read: No such file"),
        ([__file__], "not a log of `sim2real run`"),
        (["{folder}"], "cannot be read: Is a directory"),
        ([LOG, "--policy", "walk"], "no policy or run named 'walk'"),
        (
            [LOG, "--policy", "quadruped_walk"],
            "the policy's contract is not the log's (quadruped_walk for quadruped, log: ",
        ),
        (["{old}"], "ticks have no field 'target'; read it with the version of sim2real that wrote it"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list, message: str, as_json: bool, tmp_path: Path) -> None:
    places = {"folder": tmp_path, "old": rewrite(tmp_path / "old.mcap", LOG, drop="target")}
    result = invoke(*(str(argument).format(**places) for argument in arguments), *(["--json"] if as_json else []))
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    if as_json:
        assert message in json.loads(result.stdout)["reasons"][0]


def test_help_has_an_example() -> None:
    assert "Example: sim2real replay run.mcap" in " ".join(invoke("--help").stdout.split())
