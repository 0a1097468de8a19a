"""Laws of a study's tables, on artificial numbers, by hand."""

import math

import pytest

from sim2real.training.transfer.figure import transfer_figure
from sim2real.training.transfer.performance import WorldPerformance
from sim2real.training.transfer.table import HELD_OUT, Figure, compare, table_of

WORLDS = ["home", "late", "heavy"]


def result(*performances):
    return {
        world: WorldPerformance(4, performance, 1.0, 0.0, {"error": 1.0 - performance})
        for world, performance in zip(WORLDS, performances, strict=True)
    }


RESULTS = {
    "none": {0: result(0.9, 0.1, 0.2), 1: result(0.9, 0.3, 0.2)},
    "fixed_0.5": {0: result(0.8, 0.4, 0.4), 1: result(0.8, 0.4, 0.6)},
    "fixed_1": {0: result(0.7, 0.5, 0.5), 1: result(0.7, 0.5, 0.7)},
    "adr": {0: result(0.8, 0.6, 0.5), 1: result(0.8, 0.7, 0.7)},
}
TABLE = table_of(RESULTS, WORLDS, ["late", "heavy"], "performance")


def test_means_and_spread_over_seeds_by_hand():
    assert TABLE.figures["none"]["late"] == Figure(pytest.approx(0.2), pytest.approx(math.sqrt(0.02)), 2)
    # Held-out means of the seeds: 0.15 and 0.25; home does not count.
    assert TABLE.held_out_of_seed["none"] == {0: pytest.approx(0.15), 1: pytest.approx(0.25)}
    assert TABLE.figures["none"][HELD_OUT] == Figure(pytest.approx(0.2), pytest.approx(math.sqrt(0.005)), 2)
    assert TABLE.worlds == (*WORLDS, HELD_OUT)


def test_metrics_are_tables_too():
    errors = table_of(RESULTS, WORLDS, ["late", "heavy"], "error")
    assert errors.figures["adr"][HELD_OUT].mean == pytest.approx(1.0 - 0.625)


def test_a_strategy_is_compared_with_the_best_fixed_level_seed_by_seed():
    comparison = compare(TABLE, "adr")
    # adr 0.55 and 0.7, fixed_1 0.5 and 0.6.
    assert comparison.best_fixed == "fixed_1"
    assert comparison.ratio == pytest.approx(0.625 / 0.55)
    assert comparison.difference == Figure(pytest.approx(0.075), pytest.approx(math.sqrt(0.00125)), 2)
    assert "at least every fixed level" in comparison.text
    worse = table_of(RESULTS | {"adr": RESULTS["none"]}, WORLDS, ["late", "heavy"], "performance")
    assert "below" in compare(worse, "adr").text
    assert compare(TABLE, "doraemon") is None


def test_missing_measurements_are_left_out_instead_of_zero():
    nan = float("nan")
    assert Figure.of([nan, 0.5]).mean == 0.5
    assert Figure.of([nan, 0.5]).document() == {"mean": 0.5, "std": None, "seeds": 1}
    assert str(Figure.of([nan])) == "-"
    one = table_of({"fixed_1": {0: result(0.5, nan, 0.5)}}, WORLDS, ["late", "heavy"], "performance")
    assert one.figures["fixed_1"][HELD_OUT].seeds == 0
    assert compare(one, "fixed_1") is None


def test_the_text_marks_the_best_of_every_row():
    lines = TABLE.text()
    assert len({len(line.replace("[bold]", "").replace("[/bold]", "")) for line in lines}) == 1
    marked = {line.split()[0]: line.partition("[bold]")[2].split()[0] for line in lines[1:-1]}
    assert marked == {"home": "0.900", "late": "0.650", "heavy": "0.600"}


def test_the_picture_has_a_panel_for_each_task(tmp_path):
    transfer_figure({"walk": TABLE}, tmp_path / "one.png")
    transfer_figure({"walk": TABLE, "reach": TABLE}, tmp_path / "two.png")
    height_one, height_two = (
        int.from_bytes((tmp_path / name).read_bytes()[20:24], "big") for name in ("one.png", "two.png")
    )
    assert height_two == pytest.approx(2 * height_one, abs=2)
