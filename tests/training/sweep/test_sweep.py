"""Laws of sweeps: every combination once, finished runs are not repeated, stopped ones go on, all of it is compared."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from sim2real.configs.errors import UserError
from sim2real.training.commands.sweep import app
from sim2real.training.sweep.outcome import Curve, Group, curve_of, groups_of, text_of
from sim2real.training.sweep.plan import Planned, begin, carry_out, combinations, is_finished

SMALL = (
    "environments=8",
    "algorithm.rollout_steps=16",
    "algorithm.hidden=[8]",
    "evaluation_episodes=2",
    "episode_duration=1 s",
    "idle_share_max=null",
)
SETTINGS = [word for setting in SMALL for word in ("--set", setting)]


def planned(seed=0, steps=256, group="a", overrides=SMALL):
    return Planned(group, "pendulum_ppo", None, seed, steps, overrides)


def test_every_combination_of_values_is_there_once():
    assert combinations({"a": ["1", "2"], "b.c": ["[3, 4]"]}) == [("a=1", "b.c=[3, 4]"), ("a=2", "b.c=[3, 4]")]
    assert combinations({}) == [()]


def test_groups_with_odd_or_long_names_have_folders_of_their_own():
    names = [planned(group=group).folder for group in ("x=[1, 2]", "x=1_2", "y" * 200, "y" * 201)]
    assert len(set(names)) == 4
    assert all(len(name) < 110 for name in names)


def test_a_finished_run_is_not_repeated_and_one_with_more_steps_goes_on(tmp_path):
    run = planned()
    begin([run], tmp_path)
    carry_out(run, tmp_path, progress=False)
    assert is_finished(run, tmp_path)
    longer = planned(steps=512)
    assert not is_finished(longer, tmp_path)
    begin([longer], tmp_path)
    carry_out(longer, tmp_path, progress=False)
    curve = curve_of(tmp_path / run.folder, 0)
    assert curve is not None
    assert curve.taken == 512
    with pytest.raises(UserError, match="a/seed0 has other settings there; valid: another --output"):
        begin([planned(overrides=("environments=4",))], tmp_path)


@pytest.mark.slow
def test_a_command_that_is_stopped_goes_on_and_its_table_has_every_group(tmp_path):
    words = ["pendulum_ppo", *SETTINGS, "--vary", "algorithm.clip=0.1", "--vary", "algorithm.clip=0.3"]
    words += ["--seeds", "0", "--steps", "20480", "--jobs", "2", "--output", str(tmp_path), "--json"]
    code = "from sim2real.training.commands.sweep import app; app()"
    process = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60.0
    while not list(tmp_path.glob("*/seed*/metrics.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    words[words.index("20480")], words[words.index("2", words.index("--jobs"))] = "512", "1"
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout.splitlines()[-1])
    assert list(document["groups"]) == ["algorithm.clip=0.1", "algorithm.clip=0.3"]
    assert all(group["finished"] == 1 for group in document["groups"].values())
    assert (tmp_path / "sweep.png").stat().st_size > 1000


def test_a_run_that_fails_is_named_and_the_others_are_carried_out(tmp_path):
    words = ["pendulum_ppo", *SETTINGS, "--vary", "algorithm.minibatches=1024", "--vary", "algorithm.minibatches=2"]
    result = CliRunner().invoke(app, [*words, "--seeds", "0", "--steps", "128", "--output", str(tmp_path), "--json"])
    assert result.exit_code == 1
    document = json.loads(result.stdout.splitlines()[-1])
    (reason,) = document["reasons"]
    assert "algorithm.minibatches=1024/seed0: algorithm.minibatches: 1024 of a rollout of 128 rows" in reason
    assert document["groups"]["algorithm.minibatches=2"]["finished"] == 1
    assert document["groups"]["algorithm.minibatches=1024"]["return_mean"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--vary", "algorithm.clip"], "give key.path=value"),
        (["--vary", "a=1", "--vary", "a=1"], "is there twice"),
        (["--seeds", "0,0"], "different whole numbers"),
        (["--vary", "algorithm.clipp=0.1", "--seeds", "0,1"], "clipp"),
        (["--vary", "algorithm.clip=0.1", "--vary", "algorithm.clip=-1"], "algorithm.clip: must be greater than 0"),
    ],
)
def test_wrong_options_are_one_line(words, message, tmp_path):
    result = CliRunner().invoke(app, ["pendulum_ppo", *words, "--output", str(tmp_path / "none")])
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "none").exists()


def test_figures_are_over_the_seeds_and_over_the_last_tenth_where_nothing_was_evaluated(tmp_path):
    trained = Curve(0, tuple(range(10, 110, 10)), (*[0.0] * 8, 4.0, 6.0), False, 100.0, 2.0)
    evaluated = Curve(1, (50.0, 100.0), (9.0, 7.0), True, 100.0, 4.0)
    assert trained.last == 5.0
    assert (evaluated.last, evaluated.best) == (7.0, 9.0)
    group = Group("x", (trained, evaluated), 1, 2)
    found = group.document()
    assert (found["return_mean"], found["return_std"], found["best_mean"]) == (6.0, 1.0, 7.5)
    assert "6.0 ± 1.0" in text_of([group])
    halfway = Curve(2, (50.0,), (1.0,), True, 50.0, 2.0)
    whole = replace(evaluated, finished=True)
    (of_finished, of_all) = (Group("x", curves, 1, 2).document() for curves in ((whole, halfway), (evaluated, halfway)))
    assert (of_finished["return_mean"], of_finished["seeds"]) == (7.0, [1])  # not the mean of an end and a beginning
    assert (of_all["return_mean"], of_all["seeds"]) == (4.0, [1, 2])
    (empty,) = groups_of([planned(seed=9)], tmp_path)
    assert empty.document()["return_mean"] is None
    assert "0/1" in text_of([empty])
