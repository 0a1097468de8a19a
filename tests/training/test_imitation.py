"""Laws of imitation: the loss by hand, the steps that are drawn, what a student and a clone learn."""

import numpy as np
import pytest
import torch

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.load import load_experiment
from sim2real.configs.schema.imitation import BcConfig, DaggerConfig
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.training.algorithms.bc import Bc
from sim2real.training.algorithms.dagger import Dagger
from sim2real.training.algorithms.imitation_loss import action_error
from sim2real.training.labelled_steps import LabelledSteps

GRU = MemoryConfig(kind="gru", size=8)


@pytest.fixture
def shown(tmp_path, point_environment):
    """Return a function that writes demonstrations with these actions for the point's observations."""
    environment = point_environment()

    def write(act, n=400, episode=50):
        rng = np.random.default_rng(0)
        observation = np.zeros((n, environment.observation_size), np.float32)
        observation[:, :2] = rng.uniform(-2, 2, (n, 2))
        begins = np.arange(n) % episode == 0
        path = tmp_path / "shown.npz"
        contract = np.array(environment.contract.model_dump_json())
        np.savez(path, observation=observation, action=act(observation), begins=begins, contract=contract)
        return path

    return write


def clone(path, environment, **keys):
    config = BcConfig.model_validate({"name": "bc", "demonstrations": (str(path),), "hidden": (16,), **keys})
    learner = Bc(config, environment, 3)
    learner.start(3)
    return learner


def student(environment, **keys):
    small = {"hidden": (16,), "batch": 32, "updates": 2, "rollout_steps": 4, "buffer": 64}
    config = DaggerConfig.model_validate({"name": "dagger", "teacher": "pendulum_swingup", **small, **keys})
    learner = Dagger(config, environment, 3)
    learner.start(3)
    return learner


def test_the_loss_is_the_mean_squared_error_of_an_action_over_the_steps_that_count():
    action = torch.tensor([[[0.5, -0.25]], [[1.0, 0.0]], [[9.0, 9.0]]], requires_grad=True)
    label = torch.tensor([[[0.0, 0.25]], [[0.2, 0.4]], [[0.0, 0.0]]])
    weight = torch.tensor([[1.0], [1.0], [0.0]])
    loss = action_error(action, label, weight)
    # ((0.25 + 0.25)/2 + (0.64 + 0.16)/2) / 2 = (0.25 + 0.40) / 2
    assert loss.item() == pytest.approx(0.325, abs=1e-6)
    loss.backward()
    # d/da = 2·(a − a*) / (A·Σw) = (a − a*) / 2
    expected = torch.tensor([[[0.25, -0.25]], [[0.4, -0.2]], [[0.0, 0.0]]])
    torch.testing.assert_close(action.grad, expected, rtol=0.0, atol=1e-6)
    assert action_error(action, label, torch.zeros(3, 1)).item() == 0.0


def test_a_linear_clone_comes_to_the_least_squares_solution(shown, point_environment):
    path = shown(lambda rows: 0.3 * rows[:, :1] - 0.2 * rows[:, 1:2] + 0.1)
    learner = clone(path, point_environment(), hidden=(), learning_rate=0.02, held_out=0.0)
    for iteration in range(10):
        _, metrics = learner.iterate(iteration / 10)
    assert metrics["loss/action"] < 1e-6
    probe = np.zeros((4, 5), np.float32)
    probe[:, :2] = [[0, 0], [1, 0], [0, 1], [-1, 1]]
    np.testing.assert_allclose(learner.policy.act(probe)[:, 0], [0.1, 0.4, -0.1, -0.4], atol=2e-3)


def test_the_clone_normalises_by_the_moments_of_what_it_was_shown(shown, point_environment):
    path = shown(lambda rows: rows[:, :1])
    learner = clone(path, point_environment(), held_out=0.0)
    with np.load(path) as data:
        rows = data["observation"].astype(np.float64)
    moments = learner.policy.normalizer.moments
    np.testing.assert_allclose(moments.mean.numpy(), rows.mean(0), atol=1e-6)
    np.testing.assert_allclose(moments.std.numpy(), rows.std(0), atol=1e-6)


def test_actions_beyond_the_clip_are_shown_as_the_clip(shown, point_environment):
    learner = clone(
        shown(lambda rows: np.full((len(rows), 1), 5.0)), point_environment(), hidden=(), learning_rate=0.02
    )
    for iteration in range(10):
        learner.iterate(iteration / 10)
    np.testing.assert_allclose(learner.policy.act(np.zeros((1, 5), np.float32)), [[1.0]], atol=0.02)


def test_what_is_held_out_is_not_learned_from_and_tells_of_overfitting(shown, point_environment):
    rng = np.random.default_rng(1)
    path = shown(lambda rows: rng.uniform(-1, 1, (len(rows), 1)).astype(np.float32), n=80, episode=20)
    learner = clone(path, point_environment(), hidden=(64, 64), held_out=0.25, learning_rate=0.005)
    for iteration in range(4):
        _, metrics = learner.iterate(iteration / 4)
    assert metrics["loss/action"] < 0.85 * metrics["loss/held_out"]


def test_a_memory_learns_what_no_single_observation_shows(tmp_path, point_environment):
    environment = point_environment()
    rng = np.random.default_rng(0)
    hint = np.repeat(rng.choice([-0.5, 0.5], 40), 10)  # seen in the first step of an episode alone
    observation = np.zeros((400, 5), np.float32)
    observation[::10, 0] = hint[::10]
    contract = np.array(environment.contract.model_dump_json())
    path = tmp_path / "hint.npz"
    np.savez(path, observation=observation, action=hint[:, None], begins=np.arange(400) % 10 == 0, contract=contract)
    keys = {"updates": 150, "sequence_length": 10, "burn_in": 5, "learning_rate": 0.01, "batch": 160, "held_out": 0.0}
    losses = {}
    for memory in (None, GRU):
        learner = clone(path, environment, memory=memory, **keys)
        for iteration in range(3):
            _, metrics = learner.iterate(iteration / 3)
        losses[memory] = metrics["loss/action"]
    assert losses[None] > 0.2
    assert losses[GRU] < 0.04


def test_steps_before_an_episode_or_without_history_only_bring_the_memory_up_to_date():
    steps = LabelledSteps(8, 1, 1, 1)
    for number in range(8):
        begins = torch.tensor([number in (0, 5)])
        steps.add(torch.full((1, 1), float(number)), torch.zeros(1, 1), begins, torch.tensor([number != 3]))
    batch = steps.draw(200, 2, 3, torch.Generator().manual_seed(0))
    for column in range(200):
        first = int(batch.observation[0, column, 0])
        rows = range(first, first + 5)
        assert batch.observation[:, column, 0].tolist() == list(rows)
        # Counted: from the third step on, or since an episode began in the sequence; never step 3, which is none.
        known = [place >= 3 or first == 0 or (first <= 5 <= row) for place, row in enumerate(rows)]
        assert batch.weight[:, column].tolist() == [float(k and row != 3) for k, row in zip(known, rows, strict=True)]
        assert batch.ended[:, column].tolist()[:-1] == [row + 1 == 5 for row in rows][:-1]


def test_the_oldest_steps_are_dropped_and_sequences_do_not_pass_the_newest():
    steps = LabelledSteps(6, 2, 1, 1)
    for number in range(10):
        rows = torch.tensor([[float(number)], [float(100 + number)]])
        steps.add(rows, rows, torch.zeros(2, dtype=torch.bool), torch.ones(2, dtype=torch.bool))
    assert len(steps) == 6
    batch = steps.draw(300, 3, 0, torch.Generator().manual_seed(0))
    firsts = set(batch.observation[0, :, 0].int().tolist())
    assert firsts == {4, 5, 6, 7, 104, 105, 106, 107}
    assert (batch.observation.diff(dim=0) == 1.0).all()
    longer = steps.draw(3, 9, 9, torch.Generator().manual_seed(0))
    assert longer.observation.shape == (6, 3, 1)


def test_the_teacher_acts_less_and_less_and_labels_every_state(point_environment):
    environment = point_environment(16)
    learner = student(environment, teacher_share=0.5)
    assert [learner.acting_share(share) for share in (0.0, 0.25, 0.5, 0.9)] == [1.0, 0.5, 0.0, 0.0]
    assert student(point_environment(16), teacher_share=0.0).acting_share(0.0) == 0.0
    _, metrics = learner.iterate(0.25)
    assert metrics["teacher/acting_share"] == 0.5
    assert metrics["teacher/disagreement"] > 0.0
    stored = learner.steps.state()
    assert len(learner.steps) == 4
    from sim2real.configs.policy_reference import shipped_policy
    from sim2real.training.saved_policy import load_saved_policy

    act = load_saved_policy(shipped_policy("pendulum_swingup")).act
    labels = act(stored["observation"].flatten(0, 1).numpy()).clip(-1, 1)
    np.testing.assert_allclose(stored["label"].flatten(0, 1).numpy(), labels, atol=1e-6)


def test_a_student_comes_to_do_what_its_teacher_does(point_environment):
    keys = {"rollout_steps": 8, "updates": 60, "batch": 128, "buffer": 8000, "hidden": (64, 64), "learning_rate": 3e-3}
    learner = student(point_environment(32), **keys)
    gaps = [learner.iterate(iteration / 20)[1]["teacher/disagreement"] for iteration in range(20)]
    assert np.mean(gaps[-3:]) < 0.1 * gaps[0]


def test_a_buffer_that_holds_less_than_an_iteration_is_refused(point_environment):
    with pytest.raises(ConfigError, match=r"algorithm\.buffer: 63 control steps; an iteration has 64"):
        student(point_environment(16), buffer=63)


@pytest.mark.parametrize(
    ("teacher", "said"),
    [
        ("quadruped_walk", r"has another contract: joints: there .*, here pivot; valid: the same"),
        ("nobody", "no policy or run named 'nobody'"),
        ("missing.onnx", "missing.onnx"),
    ],
)
def test_a_teacher_of_something_else_is_refused(teacher, said, point_environment):
    with pytest.raises(UserError, match=said):
        student(point_environment(16), teacher=teacher)


def test_another_teacher_or_other_demonstrations_are_refused_at_a_resume(shown, point_environment):
    learner = student(point_environment(16))
    state = learner.state()
    state["teacher"] = state["teacher"] | {"sha256": "0" * 64}
    with pytest.raises(UserError, match=r"algorithm\.teacher: is another policy than when the run began"):
        student(point_environment(16)).restore(state)
    state = clone(shown(lambda rows: rows[:, :1]), point_environment()).state()
    with pytest.raises(UserError, match=r"algorithm\.demonstrations: .*: are others than those that the run began"):
        clone(shown(lambda rows: 0.5 * rows[:, :1]), point_environment()).restore(state)


def test_learning_rates_that_rise_and_no_demonstrations_are_refused():
    with pytest.raises(UserError, match=r"algorithm\.final_learning_rate: 0\.1 is above learning_rate"):
        load_experiment("pendulum_ppo", ("algorithm={name: bc, demonstrations: [a.npz], final_learning_rate: 0.1}",))
    with pytest.raises(UserError, match=r"algorithm\.demonstrations"):
        load_experiment("pendulum_ppo", ("algorithm={name: bc}",))
    with pytest.raises(UserError, match=r"algorithm\.teacher"):
        load_experiment("pendulum_ppo", ("algorithm={name: dagger}",))
