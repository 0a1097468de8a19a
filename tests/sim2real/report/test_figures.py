"""Laws of figures: every goal can be drawn, whatever the run measured."""

from pathlib import Path

import numpy as np
import pytest

from sim2real.report.figures import goal_angle, goal_distance

PNG = b"\x89PNG"


@pytest.mark.parametrize(
    "distance",
    [np.linspace(300.0, 5.0, 50), np.zeros(50), np.full(50, np.nan), np.where(np.arange(50) % 9, 20.0, np.nan)],
    ids=["nearing", "there", "never measured", "sometimes not measured"],
)
@pytest.mark.parametrize(("tolerance", "unit"), [(12.0, "mm"), (0.0, "")])
def test_a_distance_is_drawn(distance: np.ndarray, tolerance: float, unit: str, tmp_path: Path) -> None:
    path = tmp_path / "distance.png"
    goal_distance(np.arange(50) * 0.02, distance, np.arange(50) > 9, tolerance, unit, path)
    assert path.read_bytes().startswith(PNG)


@pytest.mark.parametrize("wrap", [False, True])
def test_an_angle_is_drawn_also_when_the_policy_never_ran(wrap: bool, tmp_path: Path) -> None:
    path = tmp_path / "angle.png"
    goal_angle(np.arange(50) * 0.02, np.linspace(0.0, 9.0, 50), np.zeros(50, bool), np.pi, 0.2, wrap, path)
    assert path.read_bytes().startswith(PNG)


@pytest.mark.parametrize("missing", [slice(3, 9), slice(None)])
def test_an_angle_is_drawn_also_where_it_was_not_measured(missing: slice, tmp_path: Path) -> None:
    path, position = tmp_path / "angle.png", np.linspace(0.0, 9.0, 50)
    position[missing] = np.nan
    goal_angle(np.arange(50) * 0.02, position, np.ones(50, bool), np.pi, 0.2, True, path)
    assert path.read_bytes().startswith(PNG)
