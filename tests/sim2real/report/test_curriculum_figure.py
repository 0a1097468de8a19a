"""Laws of the curriculum figure: it is drawn from a run's log."""

import matplotlib.image
import numpy as np
import pytest

from sim2real.configs.schema.curriculum import AdrConfig
from sim2real.configs.schema.parameter import ParameterConfig
from sim2real.curriculum.make import make_curriculum
from sim2real.curriculum.parameter_space import ParameterSpace
from sim2real.report.curriculum_figure import curriculum_figure

ENTRIES = tuple(
    ParameterConfig(**entry)
    for entry in (
        {"parameter": "body_mass", "range": (0.5, 2.0)},
        {"parameter": "action_latency", "range": ("0 s", "0.05 s")},
        {"parameter": "joint_damping", "range": (0.5, 2.0), "elements": ("left_hip", "left_knee", "right_hip")},
        {"parameter": "payload", "distribution": "categorical", "values": ("0 kg", "1 kg")},
        {"parameter": "gravity", "range": (1.0, 1.0)},
    )
)


@pytest.fixture(scope="module")
def rows():
    """Rows as in metrics.jsonl; before the first finished episode there is no performance."""
    curriculum = make_curriculum(AdrConfig(strategy="adr", buffer=2), ParameterSpace.of(ENTRIES, [1] * len(ENTRIES)))
    rng, rows = np.random.default_rng(0), []
    for iteration in range(20):
        rows.append({"iteration": iteration, "steps": 1000 * (iteration + 1), **curriculum.figures()})
        values, tags = curriculum.draw(rng.random((16, curriculum.uniforms)))
        curriculum.report(tags, values, np.ones(16))
    return rows


def ink(path):
    """Amount of band colour in the image: blue minus red."""
    pixels = matplotlib.image.imread(path)
    return float(((pixels[..., 2] - pixels[..., 0] > 0.1) & (pixels[..., 2] > 0.7)).mean())


@pytest.mark.slow
def test_a_wider_curriculum_shows_wider_bands(rows, tmp_path):
    assert curriculum_figure(rows, ENTRIES, tmp_path / "wide.png")
    narrow = [{**row, **{name: rows[0][name] for name in row if name.endswith(("/low", "/high"))}} for row in rows]
    assert curriculum_figure(narrow, ENTRIES, tmp_path / "narrow.png")
    assert ink(tmp_path / "wide.png") > ink(tmp_path / "narrow.png") + 0.05


def test_figures_that_are_missing_or_null_leave_gaps(rows, tmp_path):
    holes = [dict(row) for row in rows]
    holes[3]["curriculum/entropy"] = None
    del holes[4]["curriculum/body_mass/low"]
    holes.insert(2, {"iteration": 1, "steps": 2500, "episode/return": 1.0})
    assert curriculum_figure(holes, ENTRIES, tmp_path / "figure.png")


@pytest.mark.parametrize("take", [lambda rows: [], lambda rows: rows[:1], lambda rows: [{"steps": 1}, {"steps": 2}]])
def test_without_a_curriculum_in_two_rows_there_is_no_picture(rows, take, tmp_path):
    assert not curriculum_figure(take(rows), ENTRIES, tmp_path / "figure.png")
    assert not curriculum_figure(rows, (), tmp_path / "figure.png")
    assert not (tmp_path / "figure.png").exists()
