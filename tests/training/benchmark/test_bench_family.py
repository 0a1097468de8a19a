"""Laws of `bench family`: its runs can begin, and its figures are those of the runs."""

import json
from pathlib import Path

import pytest

from sim2real.configs.errors import UserError
from sim2real.training.benchmark.family import bench_family
from sim2real.training.benchmark.studies import STUDIES, planned
from sim2real.training.sweep.plan import check


@pytest.mark.parametrize("name", STUDIES)
def test_every_run_of_a_study_can_begin_and_has_a_folder_of_its_own(name: str) -> None:
    runs = planned([name], [], [0, 1], None)
    study = STUDIES[name]
    assert len({run.folder for run in runs}) == len(runs) == 2 * len(study.variants) * len(study.tasks)
    check([run for run in runs if run.seed == 0 and "LunarLander" not in run.experiment])  # needs Box2D
    assert set(study.levels) <= set(study.tasks)


def metrics(folder: Path, **columns: list[float]) -> None:
    folder.mkdir(parents=True)
    count = len(next(iter(columns.values())))
    rows = [
        {"iteration": i, "steps": 100.0 * (i + 1)}
        | {name.replace("__", "/"): values[i] for name, values in columns.items()}
        for i in range(count)
    ]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_return_is_held_against_the_level_of_its_variant_or_of_its_task(tmp_path: Path) -> None:
    runs = [run for run in planned(["returns"], ["Hopper-v5"], [0, 1], None) if " npg " in run.group]
    for run, last in zip(runs, (1915.0, 957.5), strict=True):
        metrics(tmp_path / run.folder, evaluation__return=[0.0, last])
    found = bench_family(runs, tmp_path, 1, print, train=False)
    assert found["ratios"] == {"returns_npg_Hopper-v5/over_npg": 0.75}
    assert found["figures"]["returns npg Hopper-v5"]["return_mean"] == 1436.25
    assert Path(found["picture"]).is_file()
    runs = [run for run in planned(["values"], ["CartPole-v1"], [0], None) if " double " in run.group]
    metrics(tmp_path / "values" / runs[0].folder, evaluation__return=[500.0])
    ratios = bench_family(runs, tmp_path / "values", 1, print, train=False)["ratios"]
    assert ratios == {"values_double_CartPole-v1/over_solved": pytest.approx(500.0 / 475.0)}


def test_a_cost_is_that_of_the_last_tenth_over_its_budget(tmp_path: Path) -> None:
    runs = [run for run in planned(["budget"], [], [0], None) if " learned " in run.group]
    metrics(tmp_path / runs[0].folder, episode__return=[1.0] * 20, cost__x_velocity=[9.0] * 18 + [2.0, 2.2])
    found = bench_family(runs, tmp_path, 1, print, train=False)
    assert found["ratios"] == {"budget_learned_HalfCheetah-v5/cost_over_budget": pytest.approx(1.05)}
    assert found["figures"]["budget learned HalfCheetah-v5"]["cost_mean"] == pytest.approx(2.1)


def test_what_is_not_there_yet_is_no_figure(tmp_path: Path) -> None:
    found = bench_family(planned(["budget"], [], [0], None), tmp_path, 1, print, train=False)
    assert found["ratios"] == {}
    assert found["figures"]["budget learned HalfCheetah-v5"]["return_mean"] is None


@pytest.mark.parametrize(
    ("only", "tasks", "said"),
    [
        (["speed"], [], "--only speed: no such study; valid: returns, ablation, values, budget"),
        (
            ["values"],
            ["Hopper-v5"],
            "--task Hopper-v5: no task of values; valid: Acrobot-v1, CartPole-v1, LunarLander-v3",
        ),
    ],
)
def test_what_is_none_of_them_is_refused(only: list[str], tasks: list[str], said: str) -> None:
    with pytest.raises(UserError) as refused:
        planned(only, tasks, [0], None)
    assert str(refused.value) == said
