"""Laws of policies that see privileged values: they learn, resume and teach, and no robot takes them."""

import numpy as np
import pytest
import torch

import sim2real
from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.load import load_experiment
from sim2real.envs.batch_env import BatchEnv
from sim2real.runtime.policy import OnnxPolicy
from sim2real.training import runner
from sim2real.training.c_source.export import export_c
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.privileged_batch import PrivilegedBatch
from sim2real.training.saved_policy import export_run, load_saved_policy

WORLD = ("environments=8", "checkpoint_every=1", "evaluation_episodes=2", "threads=1", "idle_share_max=null",
         "task.episode_duration=0.3 s", "task.goal.hold=0.1 s")  # fmt: skip
TEACHES = (*WORLD, "steps=64", "privileged_policy=true", "algorithm.hidden=[8]")
OFF_POLICY = ("algorithm.warmup=16", "algorithm.batch=8", "algorithm.buffer=256", "algorithm.iteration_steps=2")
ALGORITHMS = {
    "ppo": ("algorithm.rollout_steps=4", "algorithm.minibatches=2"),
    "trpo": ("algorithm.rollout_steps=4",),
    "sac": OFF_POLICY,
    "td3": OFF_POLICY,
    "cem": ("steps=100", "algorithm.population=8", "episode_duration=0.1 s"),
}
WITH_PRIVILEGED = ("so101_reach", "quadruped_walk", "hopper_hop")
STUDENT = (*WORLD, "steps=64", "algorithm.rollout_steps=4", "algorithm.updates=2", "algorithm.batch=16",
           "algorithm.hidden=[8]")  # fmt: skip


def train(folder, name, experiment, algorithm, overrides):
    return sim2real.train(experiment, algorithm=algorithm, overrides=overrides, runs_dir=folder, name=name)


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    overrides = (*TEACHES, *ALGORITHMS["ppo"])
    return train(tmp_path_factory.mktemp("runs"), "teacher", "so101_reach", None, overrides)


@pytest.mark.parametrize("name", WITH_PRIVILEGED)
def test_every_step_is_that_of_the_task_with_the_privileged_values_after_the_observation(name):
    experiment = load_experiment(name)
    made = (experiment.task.model_copy(update={"episode_duration": 0.2}), experiment.randomization, 3)
    plain, whole = (kind(*made, seed=4, threads=1) for kind in (BatchEnv, PrivilegedBatch))
    random = np.random.default_rng(1)
    observation = plain.reset_arrays(9)
    np.testing.assert_array_equal(whole.reset_arrays(9), np.hstack((observation, plain.privileged)))
    assert whole.observation_size == plain.observation_size + plain.privileged_size
    assert (whole.privileged_size, whole.privileged.shape, whole.privileged_scaled.shape) == (0, (3, 0), (0,))
    ends = 0
    for _ in range(30):
        actions = random.uniform(-1.0, 1.0, (3, plain.action_size)).astype(np.float32)
        one, other = plain.step_arrays(actions), whole.step_arrays(actions)
        np.testing.assert_array_equal(other.observation, np.hstack((one.observation, one.privileged)))
        np.testing.assert_array_equal(other.final_observation, np.hstack((one.final_observation, one.final_privileged)))
        np.testing.assert_array_equal(other.reward, one.reward)
        np.testing.assert_array_equal(other.truncated, one.truncated)
        ends += int(np.count_nonzero(one.truncated | one.terminated))
    assert ends > 0
    with pytest.raises(ConfigError, match="no mirror image"):
        _ = whole.mirror


def test_gymnasium_sees_the_same():
    experiment = load_experiment("so101_reach")
    batch = PrivilegedBatch(experiment.task, experiment.randomization, 2, seed=1, threads=1)
    first, _ = batch.reset(seed=3)
    assert first.shape == batch.observation_space.shape == (2, batch.observation_size)
    assert batch.step(np.zeros((2, batch.action_size), np.float32))[0].shape == first.shape


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_values_that_come_scaled_reach_the_policy_as_they_are(algorithm, tmp_path):
    """A parameter that a curriculum has not opened yet has no spread to divide by."""
    report = train(tmp_path, "run", "so101_reach", algorithm, (*TEACHES, *ALGORITHMS[algorithm]))
    experiment = load_saved_policy(report.run.path).experiment
    batch = PrivilegedBatch(experiment.task, experiment.randomization, 1, threads=1)
    scaled, saved = torch.from_numpy(batch.observation_scaled), newest_checkpoint(report.run.path).policy
    shift, factor = saved["normalizer.shift"], saved["normalizer.factor"]
    assert scaled.any()
    assert torch.equal(shift[scaled], torch.zeros_like(shift[scaled]))
    assert torch.equal(factor[scaled], torch.ones_like(factor[scaled]))
    assert (factor[~scaled] != 1.0).any()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_kind_of_learner_trains_one_and_resumes_it_to_the_same_bits(algorithm, leaves, tmp_path):
    overrides = (*TEACHES, *ALGORITHMS[algorithm])
    whole, again = (train(tmp_path, name, "so101_reach", algorithm, overrides) for name in ("whole", "again"))
    for path in (again.policy, again.run.all_checkpoints()[-1]):
        path.unlink()
    runner.resume(again.run.path, progress=False)
    expected, found = (
        leaves([saved.policy, saved.algorithm, saved.environment])
        for saved in (newest_checkpoint(run.run.path) for run in (whole, again))
    )
    assert len(expected) == len(found) > 20
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def test_no_robot_takes_its_file(teacher, tmp_path):
    sees = r"sees privileged values \(tip_offset, joint_state, parameters\), which no robot measures"
    again = export_run(teacher.run.path, tmp_path / "again.onnx").path
    for path in (teacher.policy, again):
        for use in (OnnxPolicy, sim2real.evaluate, load_saved_policy):
            with pytest.raises(UserError, match=sees):
                use(path)
    with pytest.raises(UserError, match="sees privileged values and has no contract"):
        export_c(teacher.run.path, tmp_path / "policy.c")


def test_it_is_evaluated_where_its_privileged_values_are(teacher):
    report = sim2real.evaluate(teacher.run.path, episodes=2)
    assert [row.randomization for row in report.rows] == ["so101"]
    same = sim2real.evaluate(teacher.run.path, episodes=2)
    assert same.rows[0].return_mean == report.rows[0].return_mean
    for more, said in (({"randomization": "none"}, "of its own randomization"), ({"emulated": 1}, "no robot measures")):
        with pytest.raises(UserError, match=said):
            sim2real.evaluate(teacher.run.path, episodes=2, **more)
    for override, part in (
        ("task.privileged=[joint_state]", r"task\.privileged"),
        ("randomization=none", r"randomization\.parameters"),
        ("privileged_policy=false", "privileged_policy"),
    ):
        with pytest.raises(UserError, match=f"changes the policy's own .*{part}"):
            sim2real.evaluate(teacher.run.path, episodes=2, overrides=(override,))


def test_what_it_shows_is_what_a_robot_can_see(teacher, tmp_path):
    path = tmp_path / "shown.npz"
    sim2real.evaluate(teacher.run.path, episodes=2, record=path)
    clone = train(tmp_path, "clone", "so101_reach", "bc", (*WORLD, "steps=64", f"algorithm.demonstrations=[{path}]",
                  "algorithm.batch=8", "algorithm.updates=2", "algorithm.hidden=[8]"))  # fmt: skip
    assert OnnxPolicy(clone.policy).contract.task == "so101_reach"


@pytest.mark.parametrize("memory", [(), ("algorithm.memory={kind: gru, size: 4}",)])
def test_its_student_needs_nothing_that_no_robot_measures(teacher, memory, tmp_path):
    run = f"algorithm.teacher={teacher.run.path}"
    student = train(tmp_path, "student", "so101_reach", "dagger", (*STUDENT, run, *memory))
    assert OnnxPolicy(student.policy).contract.task == "so101_reach"


def test_a_student_learns_what_its_teacher_does_where_they_meet(teacher, tmp_path):
    """The labels are the teacher's actions, of the observation and the privileged values of the same moment."""
    from sim2real.training.teacher import Teacher

    experiment = load_saved_policy(teacher.run.path).experiment
    batch = BatchEnv(experiment.training_task, experiment.randomization, 4, seed=2, threads=1)
    asked, act = Teacher.load(str(teacher.run.path), batch), load_saved_policy(teacher.run.path).act
    observation = batch.reset_arrays(5)
    for _ in range(12):
        label = asked(observation, batch.privileged)
        expected = np.clip(act(np.hstack((observation, batch.privileged))), -1.0, 1.0)
        np.testing.assert_array_equal(label, expected)
        blind = asked(observation, np.zeros_like(batch.privileged))
        assert not np.array_equal(blind, label)
        observation = batch.step_arrays(label).observation


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("randomization=none",), r"privileged values, of another randomization\.parameters"),
        (("task.privileged=[joint_state]",), r"privileged values, of another task\.privileged"),
        (("task.action.scale=1 deg",), "another contract"),
    ],
)
def test_a_teacher_of_other_values_is_refused(teacher, changes, said, tmp_path):
    with pytest.raises(UserError, match=said):
        train(tmp_path, "no", "so101_reach", "dagger", (*STUDENT, f"algorithm.teacher={teacher.run.path}", *changes))


def test_nothing_else_begins_from_it_and_it_from_nothing_else(teacher, tmp_path):
    plain = (*WORLD, "steps=64", "algorithm.hidden=[8]", *ALGORITHMS["ppo"])
    with pytest.raises(UserError, match="its policy has another privileged_policy"):
        sim2real.train("so101_reach", overrides=plain, runs_dir=tmp_path, name="new", init_from=teacher.run.path)
    more = (*TEACHES, *ALGORITHMS["ppo"], "seed=3")
    begun = sim2real.train("so101_reach", overrides=more, runs_dir=tmp_path, name="go", init_from=teacher.run.path)
    assert begun.steps == 64


@pytest.mark.parametrize(
    ("experiment", "override", "said"),
    [
        ("pendulum_ppo", "seed=1", "task pendulum_swingup has no privileged values"),
        ("quadruped_walk", "algorithm.symmetry=loss", "algorithm.symmetry is not none"),
    ],
)
def test_what_cannot_be_is_refused_before_it_trains(experiment, override, said):
    with pytest.raises(ConfigError, match=said):
        load_experiment(experiment, ("privileged_policy=true", override))
