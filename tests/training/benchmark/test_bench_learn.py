"""Laws of the comparison of learners: cases are chosen by name, ratios are of one round, and what fails is named."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2real.configs.errors import UserError
from sim2real.training.benchmark.cases import PARITY_BOUND, Case, cases
from sim2real.training.benchmark.learn import bench_learn, chosen, met, ratios_of
from sim2real.training.benchmark.peers import python_with
from sim2real.training.benchmark.side import Side, Stopwatch
from sim2real.training.commands.bench_learn import app

ALL = cases(1.0, 2)


def case(better="more", bar=2.0):
    sides = (Side("sim2real", "ours", "speed"), *(Side(f"p_{i}", "x", "speed", peer="rsl_rl") for i in (1, 2)))
    return Case("fast", "a test", "speed", sides, bar, better=better, cpu_figure="cpu")


def measured(ours, *others):
    return {
        name: {"speed": value, "cpu": 2.0 * value}
        for name, value in zip(("sim2real", "p_1", "p_2"), (ours, *others), strict=True)
    }


def test_a_ratio_is_the_median_over_rounds_against_the_better_of_the_peers_of_each():
    rounds = [measured(6.0, 1.0, 2.0), measured(8.0, 4.0, 1.0), measured(50.0, 5.0, 1.0)]
    assert ratios_of(case(), rounds) == {"fast/over_rsl_rl": 3.0, "fast/cpu_over_rsl_rl": 3.0}
    assert ratios_of(case("less"), rounds)["fast/over_rsl_rl"] == 8.0
    assert met(case(), 2.0)
    assert not met(case(), 1.9)
    assert met(case("less", 0.5), 0.4)
    (ratio, _) = ratios_of(case(), [measured(-6.0, -1.0, -2.0)]).values()
    assert not met(case(), ratio)  # twice as bad is not twice as good


def test_a_parity_is_over_its_bound():
    parity = next(one for one in ALL if one.name == "parity_gru")
    rounds = [{"sim2real": {"parity": value * PARITY_BOUND}} for value in (0.1, 0.3)]
    assert ratios_of(parity, rounds) == {"parity_gru/over_bound": pytest.approx(0.3)}


def test_cases_are_chosen_by_the_beginning_of_their_names():
    assert [one.name for one in chosen(ALL, ["sac", "inverted"], peers=True)] == [
        "sac_updates_1",
        "sac_updates_2",
        "inverted_pendulum_0",
        "inverted_pendulum_1",
    ]
    assert chosen(ALL, [], peers=True) == list(ALL)
    assert {name for one in chosen(ALL, [], peers=False) for name in one.peers} == set()
    assert len({one.name for one in ALL}) == len(ALL)
    with pytest.raises(UserError, match="--only cem: no case has this name; valid: ppo_halfcheetah, "):
        chosen(ALL, ["cem"], peers=True)
    with pytest.raises(UserError, match="needs a peer"):
        chosen(ALL, ["sac"], peers=False)


def test_our_own_cases_need_no_virtual_environment():
    assert python_with([], Path("nowhere")) == Path(sys.executable)
    assert not Path("nowhere").exists()


def test_a_side_that_fails_is_named_with_its_last_line():
    with pytest.raises(UserError, match=r"sim2real failed: .*no shipped experiments? named 'nothing'|sim2real failed"):
        Side("sim2real", "ours", "parity", {"experiment": "nothing"}).run(Path(sys.executable))


def test_a_paused_watch_stands_still():
    watch = Stopwatch()
    watch.pause()
    seconds, cpu = watch.seconds, watch.cpu_seconds
    assert sum(range(100_000))
    assert (watch.seconds, watch.cpu_seconds) == (seconds, cpu)
    watch.go_on()
    assert watch.seconds >= seconds


def test_rounds_alternate_the_order_of_the_sides(monkeypatch):
    ran = []

    def run(side, _python):
        ran.append(side.name)
        return {"speed": 1.0 + len(side.name), "cpu": 1.0}

    monkeypatch.setattr(Side, "run", run)
    monkeypatch.setattr("sim2real.training.benchmark.learn.python_with", lambda names, folder: Path(sys.executable))
    said = []
    found = bench_learn([case()], 2, Path("peers"), said.append)
    assert ran == ["sim2real", "p_1", "p_2", "p_2", "p_1", "sim2real"]
    assert found["ratios"]["fast/over_rsl_rl"] == pytest.approx(9.0 / 4.0)
    assert found["libraries"] == ["rsl-rl"]
    assert said[0].startswith("1/2 fast: speed sim2real 9, ")


def test_a_wrong_name_is_one_line_and_a_status():
    result = CliRunner().invoke(app, ["--only", "x", "--peers", "none"])
    assert result.exit_code != 0
    assert "--only x: no case has this name" in " ".join(result.output.split())
