"""Laws of `sim2real hil`: folders, parallel runs, repetition, and what a failure leaves behind."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from sim2real.runtime.commands import hil as hil_command
from sim2real.runtime.log import read_log

_GOOD = """\
name: NAME
task: pendulum_swingup
duration: 300 ms
seed: 4
start: {scatter: 0.5 rad}
faults: {name: lossy, faults: [{kind: lose_reply, probability: 0.1}]}
expect:
  checks:
    - always: pivot.temperature < 80 degC
"""
_BAD = _GOOD.replace(
    "always: pivot.temperature < 80 degC", "{always: pivot.velocity in -1 deg/s .. 1 deg/s, why: it must not move}"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scenarios = tmp_path / "scenarios"
    (scenarios / "below").mkdir(parents=True)
    (scenarios / "a.yaml").write_text(_GOOD.replace("NAME", "good"))
    (scenarios / "below" / "b.yaml").write_text(_GOOD.replace("NAME", "also_good"))
    (scenarios / "faults.yaml").write_text("name: some_faults\n")
    return scenarios


def invoke(*arguments):
    return CliRunner().invoke(hil_command.app, [str(each) for each in arguments])


def test_a_folder_runs_every_scenario_in_it_and_names_the_files_that_are_none(folder):
    told = invoke(folder, "--plant", "inertia", "--jobs", 1)
    assert told.exit_code == 0, told.output
    assert "2 of 2 as expected" in told.stdout
    assert "no scenarios, as they have no key `expect`: faults.yaml" in told.stderr


def test_a_file_that_is_not_yaml_fails_alone_and_the_others_of_its_folder_run(folder, tmp_path):
    (folder / "broken.yaml").write_text("name: x\n  expect: [\n")
    (folder / "latin.yaml").write_bytes(b"name: caf\xe9\n")
    told = invoke(folder, "--plant", "inertia", "--jobs", 1, "--json", "--junit", tmp_path / "hil.xml")
    assert told.exit_code == 1
    found = {each["name"]: each for each in json.loads(told.stdout)["scenarios"]}
    assert {name: each["ok"] for name, each in found.items()} == {
        "good": True,
        "also_good": True,
        "broken": False,
        "latin": False,
    }
    assert f"cannot be run: {folder / 'broken.yaml'}:2" in found["broken"]["reasons"][0]
    assert "no scenarios, as they have no key `expect`: faults.yaml" in told.stderr
    (suite,) = ElementTree.parse(tmp_path / "hil.xml").getroot()  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "0", "2")


def test_two_scenarios_of_one_name_are_refused_before_any_runs(folder, tmp_path):
    # The log, what a failure left and the noted result of the one were those of the other.
    (folder / "below" / "a.yaml").write_text(_BAD.replace("NAME", "good"))
    for arguments in ((folder,), (folder / "a.yaml", folder / "below" / "a.yaml")):
        told = invoke(*arguments, "--plant", "inertia", "--keep", tmp_path / "kept", "--logs", tmp_path / "logs")
        assert told.exit_code == 1
        assert "two scenarios are named 'good': " in told.stderr
    (folder / "below" / "a.yaml").write_text(_BAD.replace("NAME", "bad"))
    told = invoke(folder, "--plant", "inertia", "--keep", tmp_path / "kept", "--logs", tmp_path / "logs", "--jobs", 1)
    assert {path.stem for path in (tmp_path / "logs").iterdir()} == {"good", "also_good", "bad"}
    again = invoke(folder / "a.yaml", folder / "below" / ".." / "a.yaml", "--plant", "inertia", "--json")
    assert len(json.loads(again.stdout)["scenarios"]) == 1  # the same file


def test_a_folder_without_scenarios_and_no_scenario_at_all_are_refused(tmp_path):
    assert f"{tmp_path}: no scenario in this folder" in invoke(tmp_path).stderr
    assert "no scenario given" in invoke("--jobs", 1).stderr


@pytest.mark.slow
def test_worker_processes_and_repetition_give_the_same_bits(folder):
    documents = []
    for jobs in (1, 2):
        told = invoke(folder, "--plant", "inertia", "--jobs", jobs, "--repeat", 2, "--json")
        assert told.exit_code == 0, told.output
        documents.append(json.loads(told.stdout)["scenarios"])
    one, two = ([(each["name"], each["digest"]) for each in document] for document in documents)
    assert one == two
    assert [name for name, _ in one] == ["good", "also_good"]
    assert one[0][1] == one[1][1]  # the same run under two names


def test_another_seed_is_another_run(folder):
    first = json.loads(invoke(folder / "a.yaml", "--plant", "inertia", "--json").stdout)
    other = json.loads(invoke(folder / "a.yaml", "--plant", "inertia", "--set", "seed=5", "--json").stdout)
    assert first["scenarios"][0]["digest"] != other["scenarios"][0]["digest"]


def test_a_failure_leaves_log_picture_table_and_a_test_case_that_says_why(folder, tmp_path):
    (folder / "a.yaml").write_text(_BAD.replace("NAME", "bad"))
    (folder / "c.yaml").write_text(_GOOD.replace("NAME", "typo").replace("duration", "durration"))
    kept, report = tmp_path / "kept", tmp_path / "reports" / "hil.xml"
    told = invoke(folder, "--plant", "inertia", "--jobs", 1, "--keep", kept, "--junit", report)
    assert told.exit_code == 1
    assert "pivot.velocity is" in told.stderr
    assert "(it must not move)" in told.stderr
    assert f"bad: log, picture and last seconds are in {kept / 'bad'}" in told.stderr
    assert f"{folder / 'c.yaml'}:3: durration: unknown key (did you mean 'duration'?)" in told.stderr
    assert {path.name for path in (kept / "bad").iterdir()} >= {"run.mcap", "last_seconds.txt", "reasons.txt"}
    assert read_log(kept / "bad" / "run.mcap").ticks
    lines = (kept / "bad" / "last_seconds.txt").read_text().splitlines()
    assert "pivot.velocity" in lines[0]
    assert len(lines) > 10
    suite = ElementTree.parse(report).getroot()[0]  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    cases = {case.get("name"): case for case in suite}
    assert cases["also_good"].find("failure") is None
    assert "pivot.velocity is" in cases["bad"].find("failure").get("message")
    assert str(kept / "bad") in cases["bad"].find("failure").text
    figures = {each.get("name"): each.get("value") for each in cases["also_good"].find("properties")}
    assert figures["final_state"] == "RUNNING"


def test_a_picture_of_a_failure_is_a_png(folder, tmp_path):
    pytest.importorskip("matplotlib")
    (folder / "a.yaml").write_text(_BAD.replace("NAME", "bad"))
    invoke(folder / "a.yaml", "--plant", "inertia", "--keep", tmp_path)
    assert (tmp_path / "bad" / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_each_scenario_takes_the_policy_of_its_task(folder, model_of):
    model = model_of()
    told = json.loads(
        invoke(folder / "a.yaml", "--plant", "inertia", "--policy", "so101_reach", "--policy", model, "--json").stdout
    )
    assert told["scenarios"][0]["policy"] == str(model)
    refused = invoke(folder / "a.yaml", "--policy", "so101_reach")
    assert "no policy given was trained for it: so101_reach for 'so101_reach'" in refused.stderr
