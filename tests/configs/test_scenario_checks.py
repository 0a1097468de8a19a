"""Laws of the checks, events and initial state of a scenario: what the schema refuses, with file and line."""

from pathlib import Path
from textwrap import dedent

import pytest

from sim2real.configs.errors import ConfigError
from sim2real.configs.load import load_scenario, load_task
from sim2real.configs.schema.condition import parse_condition
from sim2real.configs.schema.run_signal import STATES, signals_of
from sim2real.runtime.states import State

_HEAD = """\
name: mine
task: quadruped_walk
duration: 4 s
"""


def written(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(_HEAD + dedent(text), encoding="utf-8")
    return str(path)


def refusal(folder: Path, text: str) -> str:
    path = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        load_scenario(path)
    return str(caught.value).removeprefix(path)


def test_the_words_of_the_state_are_the_runtime_s():
    assert tuple(state.name for state in State) == STATES


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("always: trunk.tlit < 30 deg", "signal 'trunk.tlit' is not a choice (did you mean 'trunk.tilt'?)"),
        ("always: trunk.tilt < 30 cm", "'30 cm' has the wrong unit 'cm'"),
        ("always: trunk.tilt < 0.5", "'0.5' is not a number with a unit"),
        ("always: state < 3", "state is a word; compare it with `is` or `is not`"),
        ("always: state is ASLEEP", "'ASLEEP' is not a choice"),
        ("always: interventions < many", "'many' is not a number"),
        ("always: trunk.tilt in 3 deg", "a band has the form LOW .. HIGH"),
        ("always: trunk.tilt in 3 deg .. 1 deg", "the band is empty"),
        ("always: trunk tilt is small", "is not a condition; write `SIGNAL < VALUE`"),
        ("{always: torque is on, never: torque is off}", "exactly one of always, eventually, never, not 2"),
        ("why: no reason", "exactly one of always, eventually, never, not 0"),
        ("{always: torque is on, holds: 1 s}", "holds: is for `eventually`"),
        ("{eventually: torque is on, until: torque is off}", "until: is for `always` and `never`"),
        ("{always: torque is on, within: 1 s, end: 2 s}", "give `within` or `end`, not both"),
        ("{always: torque is on, start: 3 s, end: 2 s}", "2 s is not after the start, 3 s"),
        ("{allways: torque is on}", "unknown key (did you mean 'always'?)"),
    ],
)
def test_a_check_that_means_nothing_is_refused_at_its_line(tmp_path, text, message):
    told = refusal(tmp_path, f"expect:\n  final_state: RUNNING\n  checks:\n    - {text}\n")
    assert told.startswith(":7: expect.checks.0")
    assert message in told


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("start: {joints: {kneee: 1 rad}}\nexpect: {}\n", 4, "no joint 'kneee'; valid: front_left_roll"),
        ("start:\n  joints:\n    front_left_roll: 3 rad\nexpect: {}\n", 6, "3 rad is outside the joint's limits"),
        ("events:\n  - {kind: reset, at: 3 s}\n  - {kind: stop, at: 1 s}\nexpect: {}\n", 6, "1 s is out of order"),
        ("events:\n  - {kind: shove, at: 3 s}\nexpect: {}\n", 5, "'shove' is not a choice"),
        ("events:\n  - {kind: push, at: 9 s, body: trunk, force: [1, 0, 0]}\nexpect: {}\n", 5, "past the end"),
    ],
)
def test_what_the_robot_does_not_have_is_refused_at_its_line(tmp_path, text, line, message):
    told = refusal(tmp_path, text)
    assert told.startswith(f":{line}: ")
    assert message in told


def test_a_policy_s_path_starts_from_the_scenario_s_folder(tmp_path):
    path = written(tmp_path, "policy: mine.onnx\nexpect: {}\n")
    assert load_scenario(path).policy == str(tmp_path / "mine.onnx")
    shipped = written(tmp_path, "policy: quadruped_walk\nexpect: {}\n")
    assert load_scenario(shipped).policy == "quadruped_walk"


@pytest.mark.parametrize("task", ["pendulum_swingup", "quadruped_walk", "so101_reach", "hopper_hop"])
def test_a_condition_reads_every_signal_of_every_task(task):
    signals = signals_of(load_task(task))
    for name, signal in signals.items():
        if signal.words:
            text, comparison = f"{name} is not {signal.words[0]}", "is not"
        else:
            text, comparison = f"{name} in -1.5 {signal.unit} .. 2 {signal.unit}", "in"
        condition = parse_condition(text, signals)
        assert (condition.signal, condition.comparison) == (name, comparison)
        assert (condition.low, condition.high) == ((0.0, 0.0) if signal.words else (-1.5, 2.0))


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("{always: torque is on, start: 4 s}", "start", "4 s is not before the end of the run, 4 s"),
        ("{eventually: torque is off, start: 9 s}", "start", "9 s is not before the end"),
        ("{always: torque is on, start: 1 s, within: 4 s}", "within", "the window ends at 5 s, the run at 4 s"),
        ("{never: torque is off, end: 5 s}", "end", "the window ends at 5 s"),
        ("{eventually: torque is on, start: 2 s, holds: 3 s}", "holds", "3 s is more than the run has from then on, 2"),
        ("{eventually: torque is on, within: 1 s, holds: 2 s, since: fault}", "holds", "more than the window has, 1 s"),
        ("{eventually: torque is on, start: 1 s, end: 2 s, holds: 2 s}", "holds", "more than the window has, 1 s"),
    ],
)
def test_a_check_that_no_run_can_meet_is_refused_before_any_runs(tmp_path, text, key, message):
    told = refusal(tmp_path, f"expect:\n  checks:\n    - {text}\n")
    assert told.startswith(f":6: expect.checks.0.{key}: ")
    assert message in told


@pytest.mark.parametrize(
    "text",
    [
        "{always: torque is on, within: 4 s}",
        "{eventually: torque is on, within: 9 s}",
        "{always: torque is on, until: state is RUNNING, within: 9 s}",
        "{always: torque is on, since: fault, start: 9 s}",
        "{eventually: torque is on, start: 1 s, holds: 3 s}",
    ],
)
def test_a_check_that_a_run_can_meet_is_taken(tmp_path, text):
    assert load_scenario(written(tmp_path, f"expect:\n  checks:\n    - {text}\n")).expect.checks


def test_a_fault_past_the_end_of_every_run_is_refused_at_its_line(tmp_path):
    told = refusal(
        tmp_path,
        "faults:\n  name: late\n  faults:\n    - {kind: silent, joint: front_left_roll, start: 99 s}\nexpect: {}\n",
    )
    assert told.startswith(":7: faults.faults.0.start: 99 s is past the end of every run")
