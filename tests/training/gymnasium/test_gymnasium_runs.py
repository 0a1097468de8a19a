"""Laws of runs in environments of Gymnasium's: everything around a run works, and what cannot be kept is said."""

import json
import shutil

import gymnasium
import numpy as np
import pytest
import torch
from counting import CountingEnv, counting
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import sim2real
from sim2real.configs.errors import UserError
from sim2real.configs.library import shipped
from sim2real.configs.load import load_gymnasium
from sim2real.configs.schema.algorithm import ALGORITHMS
from sim2real.training.checkpoint import load_checkpoint
from sim2real.training.gymnasium.make import chosen
from sim2real.training.gymnasium.preset import gym_config
from sim2real.training.gymnasium.saved import export_gymnasium_run
from sim2real.training.metrics_file import read_metrics
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.run_folder import RunFolder
from sim2real.training.run_page import report_run

SMALL = (
    *("environments=4", "evaluation_episodes=3", "checkpoint_every=1", "threads=1", "algorithm.hidden=[8]"),
    *("algorithm.rollout_steps=16", "algorithm.minibatches=2", "algorithm.epochs=2", "evaluation_every=2"),
)
SMALL_SAC = (
    *("environments=2", "evaluation_episodes=3", "checkpoint_every=1", "algorithm.hidden=[8]", "evaluation_every=2"),
    *("algorithm.warmup=20", "algorithm.batch=8", "algorithm.iteration_steps=16", "algorithm.updates_per_step=1.0"),
)


def trained(env, folder, *overrides, small=SMALL, **options):
    return sim2real.train(env, overrides=(*small, *overrides), runs_dir=folder, name="run", **options)


@pytest.fixture(scope="module")
def pendulum(tmp_path_factory):
    return trained("gym/Pendulum-v1", tmp_path_factory.mktemp("runs"), steps=256)


def weights(run):
    return newest_checkpoint(run.path).policy


def test_a_run_leaves_what_any_run_leaves_and_its_best(pendulum):
    run = pendulum.run
    lines = read_metrics(run.metrics)
    assert [line["iteration"] for line in lines] == [1, 2, 3, 4]
    evaluated = {line["steps"]: line["evaluation/return"] for line in lines if "evaluation/return" in line}
    assert list(evaluated) == [128, 256]
    best = pendulum.document()["best"]
    assert best == {
        "policy": str(run.best_policy),
        "return_mean": max(evaluated.values()),
        "steps": max(evaluated, key=evaluated.get),
    }
    assert load_gymnasium(str(run.config)).environment.id == "Pendulum-v1"
    assert pendulum.parity <= 1e-5
    assert pendulum.evaluation.length_max == 200
    assert np.isnan(pendulum.evaluation.success)
    json.dumps(pendulum.document())


def test_run_folder_and_onnx_file_are_evaluated_alike(pendulum):
    run, file = (sim2real.evaluate(path, episodes=3, seed=5) for path in (pendulum.run.path, pendulum.policy))
    assert run.task == "Pendulum-v1"
    assert run.rows[0].length_mean == 200
    assert file.rows[0].return_mean == pytest.approx(run.rows[0].return_mean, rel=1e-4)
    best = load_checkpoint(pendulum.run.best_checkpoint)
    assert best.steps == pendulum.best.steps


def test_the_world_of_an_evaluation_can_be_changed_and_nothing_else(pendulum):
    path = pendulum.run.path
    plain, heavy = (
        sim2real.evaluate(path, episodes=2, overrides=overrides)
        for overrides in ((), ("environment.arguments={g: 30.0}",))
    )
    assert plain.rows[0].return_mean != heavy.rows[0].return_mean
    with pytest.raises(UserError, match=r"--set seed=3: changes the training"):
        sim2real.evaluate(path, overrides=("seed=3",))
    with pytest.raises(UserError, match="has no randomization"):
        sim2real.evaluate(path, randomization="pendulum")


def test_a_run_is_exported_and_reported(pendulum, tmp_path):
    report = export_gymnasium_run(pendulum.run.path, tmp_path / "policy.onnx")
    assert report.parity <= 1e-5
    document = report_run(pendulum.run.path, tmp_path / "page.html").document()
    assert (document["task"], document["robot"]) == ("Pendulum-v1", None)
    assert "Pendulum-v1" in (tmp_path / "page.html").read_text()


def test_a_policy_for_no_robot_is_refused_by_whatever_drives_one(pendulum):
    with pytest.raises(UserError, match=r"for the Gymnasium environment Pendulum-v1, and for no robot"):
        sim2real.load_policy(pendulum.policy)
    with pytest.raises(UserError, match=r"for no robot"):
        sim2real.run(pendulum.policy, "pendulum", lockstep=True, duration=1.0)


@pytest.mark.parametrize(("algorithm", "small"), [("ppo", SMALL), ("sac", SMALL_SAC), ("td3", SMALL_SAC)])
def test_a_run_on_our_batch_resumes_bit_for_bit(algorithm, small, tmp_path):
    options = {"small": small, "algorithm": algorithm}
    whole = trained("gym/InvertedPendulum-v5", tmp_path, steps=256, **options)
    stopped = RunFolder(tmp_path / "stopped")
    shutil.copytree(whole.run.path, stopped.path)
    for path in stopped.all_checkpoints()[2:]:
        path.unlink()
    assert newest_checkpoint(stopped.path).steps < 256
    again = sim2real.train("gym/InvertedPendulum-v5", resume=stopped.path)
    assert again.best.return_mean == whole.best.return_mean
    assert again.evaluation.return_mean == whole.evaluation.return_mean
    for name, tensor in weights(whole.run).items():
        assert torch.equal(tensor, weights(again.run)[name]), name


def test_a_foreign_environment_begins_its_episodes_again_and_says_so(tmp_path, capfd):
    ends = []
    for folder in ("one", "two"):
        part = trained("gym/Pendulum-v1", tmp_path / folder, steps=128)
        capfd.readouterr()
        again = sim2real.train("gym/Pendulum-v1", resume=part.run.path, steps=256)
        assert "offers no state to restore: its episodes begin again" in capfd.readouterr().err
        ends.append(weights(again.run))
    assert all(torch.equal(tensor, ends[1][name]) for name, tensor in ends[0].items())


def test_a_new_run_begins_from_the_policy_of_another(pendulum, tmp_path):
    report = trained(
        "gym/Pendulum-v1", tmp_path, "environment.arguments={g: 5.0}", steps=64, init_from=pendulum.run.path
    )
    assert newest_checkpoint(report.run.path).origin["init_from_steps"] == "256"
    with pytest.raises(UserError, match="its policy has another observation_shape"):
        trained("gym/InvertedPendulum-v5", tmp_path / "b", steps=64, init_from=pendulum.run.path)
    assert not (tmp_path / "b" / "run").exists()


def test_a_vector_environment_is_taken_as_it_is_and_stays_open(tmp_path):
    vector = counting("NEXT_STEP")
    report = trained(vector, tmp_path, "evaluation_every=null", steps=96)
    assert report.run.path.joinpath("config.yaml").is_file()
    assert load_gymnasium(str(report.run.config)).environments == 3
    assert not vector.closed
    assert report.best is None
    assert {"end/terminated", "end/time_limit"} <= {
        key.removeprefix("episode/") for key in read_metrics(report.metrics)[0]
    }
    with pytest.raises(UserError, match=r"given from Python; give it again: sim2real.train\(env, resume="):
        sim2real.train(resume=report.run.path, steps=192)
    with pytest.raises(UserError, match="has another observation_shape"):
        sim2real.train(counting("NEXT_STEP", shape=(4,)), resume=report.run.path, steps=192)
    again = sim2real.train(counting("SAME_STEP"), resume=report.run.path, steps=192)
    assert again.steps == 192
    with pytest.raises(UserError, match=r"sim2real.evaluate\(.*, env=env\)"):
        sim2real.evaluate(report.run.path)
    assert sim2real.evaluate(report.run.path, episodes=3, env=vector).rows[0].length_max == 5


def test_one_vector_environment_cannot_be_evaluated_during_training(tmp_path):
    with pytest.raises(UserError, match=r"evaluation_every: .* give a function"):
        trained(counting("SAME_STEP"), tmp_path, steps=96)  # SMALL asks for it
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "make",
    [lambda: counting("DISABLED", (3, 3, 3, 3)), lambda: CountingEnv(0, 3), CountingEnv],
    ids=["vector", "single", "class"],
)
def test_a_function_makes_fresh_environments(make, tmp_path):
    report = trained(make, tmp_path, steps=128)
    assert report.best is not None
    assert report.evaluation.length_max == 3


def test_what_is_no_environment_is_refused_in_one_line(tmp_path):
    for env, says in (
        (CountingEnv(), "is one environment, and a learner needs several"),
        (lambda: 3, "makes a int; valid: a function"),
        (3, "3 is neither an experiment nor an environment"),
        ("gym/HalfCheetah", r"did you mean gym/HalfCheetah-v5\?"),
        ("gym/Pendulm-v1", r"did you mean gym/Pendulum-v1\?"),
        ("gym/no.such.module:X-v0", "the module no.such.module cannot be imported"),
    ):
        with pytest.raises(UserError, match=says) as caught:
            trained(env, tmp_path, steps=64)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "run").exists()
    with pytest.raises(UserError, match=r"those of the environment are discrete; valid: .*dqn.*ppo"):
        sim2real.train("gym/CartPole-v1", algorithm="sac", steps=64, runs_dir=tmp_path, name="run")
    with pytest.raises(UserError, match=r"valid: .*ppo, .*sac"):
        trained("gym/Pendulum-v1", tmp_path, algorithm="walk")
    with pytest.raises(UserError, match=r"no algorithm named 'walk'.*ppo, .*sac"):
        sim2real.train("pendulum_ppo", algorithm="walk", runs_dir=tmp_path)


def test_an_episode_that_never_ends_fails_the_evaluation_by_name(tmp_path):
    with pytest.raises(UserError, match=r"3 episodes last longer than 20 steps; raise environment.episode_steps_max"):
        trained(lambda: CountingEnv(0, 10**6), tmp_path, "environment.episode_steps_max=20", steps=128)


def test_settings_are_those_of_the_task_its_family_or_any():
    def found(name, algorithm):
        return load_gymnasium(next(each for each in shipped("gymnasium") if each == name)).algorithm == (
            gym_config(algorithm[0], algorithm[1]).algorithm
        )

    assert found("swimmer_ppo", ("Swimmer-v5", "ppo"))
    assert found("mujoco_sac", ("HalfCheetah-v5", "sac"))
    assert found("classic_ppo", ("Pendulum-v1", "ppo"))
    assert found("acrobot_dqn", ("Acrobot-v1", "dqn"))
    assert found("classic_dqn", ("CartPole-v1", "dqn"))
    assert gym_config("Swimmer-v5", "sac").algorithm.discount == 0.9999
    algorithms = {name.partition("_")[2] for name in shipped("gymnasium")}
    assert {f"any_{algorithm}" for algorithm in algorithms} <= set(shipped("gymnasium"))
    # Demonstrations and a teacher are the user's: no file of ours can name them.
    needing = {
        name
        for name in ALGORITHMS.names
        if any(field.is_required() for key, field in ALGORITHMS[name].config.model_fields.items() if key != "name")
    }
    assert needing == {"bc", "dagger"}
    assert set(ALGORITHMS.names) - needing <= algorithms


def test_our_batch_is_taken_where_there_is_one():
    assert chosen(gym_config("Ant-v5", "ppo").environment)[0] == "batch"
    assert chosen(gym_config("Ant-v5", "ppo", ("environment.arguments={frame_skip: 3}",)).environment)[0] != "batch"
    with pytest.raises(UserError, match="no batch of Pendulum-v1; valid: auto, sync, async"):
        chosen(gym_config("Pendulum-v1", "ppo", ("environment.vectorization=batch",)).environment)


@pytest.mark.slow
def test_environments_in_processes_train_alike(tmp_path):
    reports = [
        trained("gym/Pendulum-v1", tmp_path / how, f"environment.vectorization={how}", "environments=2", steps=64)
        for how in ("sync", "async")
    ]
    one, other = (weights(report.run) for report in reports)
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_a_success_that_the_environment_reports_is_counted(tmp_path):
    report = trained(lambda: CountingEnv(1, 3), tmp_path, steps=64)
    assert report.evaluation.success == 1.0


def test_an_environment_that_is_not_finite_stops_the_run(tmp_path):
    class Broken(gymnasium.Env):
        observation_space, action_space = Box(-1, 1, (1,)), Box(-1, 1, (1,))

        def reset(self, *, seed=None, options=None):
            return np.zeros(1, np.float32), {}

        def step(self, action):
            return np.zeros(1, np.float32), np.nan, False, False, {}

    vector = SyncVectorEnv([Broken] * 4, autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(UserError, match="reward of environment 0 is nan"):
        trained(vector, tmp_path, "evaluation_every=null", steps=64)
