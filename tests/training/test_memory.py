"""Laws of memory: exact resets in a sequence, the same bits for one robot and thousands, the same numbers in ONNX."""

import numpy as np
import onnxruntime
import pytest
import torch

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.load import load_task
from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.configs.schema.off_policy import Td3Config
from sim2real.runtime.contract.spec import contract_of
from sim2real.runtime.policy import OnnxPolicy
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.export import PARITY_MAX, export_policy
from sim2real.training.finite import NonFiniteError, require_finite, tensors_of
from sim2real.training.learner_watch import LearnerWatch
from sim2real.training.memory import forgotten, grown, make_memory
from sim2real.training.onnx_actor import onnx_actor
from sim2real.training.policy import Policy
from sim2real.training.recorded import Sequences

CONTRACT = contract_of(load_task("pendulum_swingup"))
SIZE = CONTRACT.observation_size
KINDS = ("gru", "lstm")


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def memory_of(kind, inputs=3, size=5):
    memory = make_memory(MemoryConfig(kind=kind, size=size), inputs, random())
    with torch.no_grad():
        for parameter in memory.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=random(1)))
    return memory


def policy_of(kind, size=16, hidden=(32,)):
    config = PpoConfig(name="ppo", hidden=hidden, memory=MemoryConfig(kind=kind, size=size))
    policy = Policy(config, SIZE, CONTRACT.action_size, random(3), squash=False)
    with torch.no_grad():
        policy.head.weight.mul_(50.0)  # action size of a trained policy
    policy.normalizer.update(torch.randn(1000, SIZE, generator=random(4)) * 3.0 + 2.0)
    return policy


def recorded(steps=150, robots=3):
    numbers = np.random.default_rng(0)
    begins = numbers.random((steps, robots)) < 0.03
    begins[0] = True
    return Sequences(numbers.normal(2.0, 3.0, (steps, robots, SIZE)).astype(np.float32), begins)


@pytest.mark.parametrize("kind", KINDS)
def test_cells_compute_what_torch_s_do(kind):
    memory = memory_of(kind)
    reference = torch.nn.GRUCell(3, 5) if kind == "gru" else torch.nn.LSTMCell(3, 5)
    with torch.no_grad():
        for ours, theirs in (("input", "ih"), ("hidden", "hh")):
            layer = getattr(memory, ours)
            getattr(reference, f"weight_{theirs}").copy_(_torch_order(layer.weight, kind))
            getattr(reference, f"bias_{theirs}").copy_(_torch_order(layer.bias, kind))
        row, state = torch.randn(4, 3, generator=random(5)), torch.randn(4, 5, generator=random(6))
        states = (state,) * memory.state_count
        output, following = memory.step(row, states)
        expected = reference(row, state) if kind == "gru" else reference(row, states)
    torch.testing.assert_close(following, expected if kind == "lstm" else (expected,))
    assert torch.equal(output, torch.cat((row, following[0]), dim=1))


def _torch_order(tensor, kind):
    """Ours of an LSTM are i, f, o, g; torch's i, f, g, o."""
    if kind == "gru":
        return tensor
    admit, keep, show, candidate = tensor.chunk(4)
    return torch.cat((admit, keep, candidate, show))


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_is_its_episodes_one_after_the_other(kind):
    memory = memory_of(kind)
    rows = torch.randn(12, 4, 3, generator=random(7), requires_grad=True)
    ended = torch.rand(12, 4, generator=random(8)) < 0.2
    start = tuple(torch.randn(4, 5, generator=random(9)) for _ in range(memory.state_count))
    output, states = memory(rows, start, ended)
    state = start
    for step in range(12):
        remembered, after = memory.step(rows[step], state)
        torch.testing.assert_close(output[step], remembered)
        torch.testing.assert_close(tuple(part[step] for part in states), after)
        state = forgotten(after, ended[step])
    last = int(torch.nonzero(ended[:, 0])[0])
    (gradient,) = torch.autograd.grad(output[last + 1 :, 0].sum(), rows)
    assert not gradient[: last + 1].any()  # nothing of an earlier episode
    assert gradient[last + 1 :, 0].any()


@pytest.mark.parametrize("kind", KINDS)
def test_one_robot_and_thousands_act_with_the_same_bits(kind):
    policy, sequences = policy_of(kind, size=64, hidden=(128, 64)), recorded(steps=30, robots=2000)
    together = policy.actor()
    alone = {robot: policy.actor() for robot in (0, 17, 1999)}
    for row, begins in zip(sequences.observation, sequences.begins, strict=True):
        together.reset(begins)
        actions = together(row)
        for robot, actor in alone.items():
            actor.reset(begins[robot : robot + 1])
            assert np.array_equal(actor(row[robot : robot + 1])[0], actions[robot])


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_acts_as_torch_does_over_whole_sequences(kind, tmp_path):
    policy, sequences = policy_of(kind), recorded()
    path = tmp_path / "policy.onnx"
    flat = sequences.observation.reshape(-1, SIZE)
    report = export_policy(policy, CONTRACT, path, {}, flat, sequences)
    assert report.parity <= PARITY_MAX
    assert report.observations == 150 * 3
    deployed = OnnxPolicy(path)
    assert deployed.contract.recurrent_state == ((1, 16),) * policy.memory.state_count
    simulated, file = policy.actor(), onnx_actor(path.read_bytes())
    for row, begins in zip(sequences.observation, sequences.begins, strict=True):
        if begins[0]:
            deployed.reset()
        for actor in (simulated, file):
            actor.reset(begins)
        expected = simulated(row)
        np.testing.assert_allclose(file(row), expected, atol=PARITY_MAX, rtol=0)
        np.testing.assert_allclose(deployed.act(row[:1]), expected[:1], atol=PARITY_MAX, rtol=0)
    with pytest.raises(UserError, match="needs recorded sequences"):
        export_policy(policy, CONTRACT, path, {}, flat)


def test_a_file_whose_memory_differs_is_not_written(tmp_path, monkeypatch):
    from sim2real.training import export

    policy, sequences = policy_of("gru"), recorded(20)
    build = export.policy_model

    def wrong(policy, metadata):
        with torch.no_grad():
            policy.memory.hidden.bias.add_(1e-3)
            model = build(policy, metadata)
            policy.memory.hidden.bias.sub_(1e-3)
        return model

    monkeypatch.setattr(export, "policy_model", wrong)
    with pytest.raises(UserError, match="onnxruntime and torch differ"):
        export_policy(policy, CONTRACT, tmp_path / "policy.onnx", {}, sequences.observation[0], sequences)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_that_is_given_a_memory_acts_as_before(kind):
    bare = Policy(PpoConfig(name="ppo", hidden=(32,)), SIZE, CONTRACT.action_size, random(2), squash=False)
    policy = policy_of(kind)
    policy.load_state_dict(grown(policy, bare.state_dict()))
    simulated = policy.actor()
    for row in recorded(20).observation:
        np.testing.assert_allclose(simulated(row), bare.act(row), atol=1e-6, rtol=0)
    assert grown(bare, bare.state_dict()).keys() == bare.state_dict().keys()


def test_a_memory_that_is_not_finite_is_named(point_environment):
    config = PpoConfig(name="ppo", hidden=(8,), memory=MemoryConfig(kind="lstm", size=4), rollout_steps=4)
    learner = Ppo(config, point_environment(8), seed=1)
    learner.start(1)
    learner.iterate(0.0)
    LearnerWatch(learner).after_iteration({})
    with torch.no_grad():
        learner.value.memory.hidden.weight[0, 0] = float("nan")
    with pytest.raises(NonFiniteError, match=r"^value\.memory\.hidden\.weight is nan in 1 of 64 numbers"):
        LearnerWatch(learner).after_iteration({})
    learner.value.memory.hidden.weight.data.zero_()
    state = learner.state()
    state["policy_state"][1][3] = float("inf")
    with pytest.raises(NonFiniteError, match=r"algorithm\.policy_state\.1 is inf in 4 of 32 numbers"):
        require_finite(dict(tensors_of(state, "algorithm")))


def test_what_cannot_be_trained_is_refused(point_environment):
    memory = MemoryConfig(kind="gru")
    with pytest.raises(ConfigError, match="'td3' trains no policy with memory; valid: null"):
        make_algorithm(Td3Config(name="td3", memory=memory), point_environment(8), 0)
    with pytest.raises(ConfigError, match="4 of 3 environments; with memory a minibatch has whole environments"):
        make_algorithm(PpoConfig(name="ppo", memory=memory), point_environment(3), 0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_rollout_s_means_are_those_that_the_learner_computes_before_its_first_step(kind, point_environment):
    """States are carried from rollout to rollout, and resets are where episodes end: else the ratio is not 1."""
    config = PpoConfig(name="ppo", hidden=(8,), memory=MemoryConfig(kind=kind, size=4), rollout_steps=12)
    learner = Ppo(config, point_environment(8, episode_steps=7), seed=1)
    learner.start(1)
    for _ in range(3):
        learner.collect()
        rollout = learner.rollout
        assert rollout.ended.any()
        with torch.no_grad():
            remembered, _ = learner.policy.memory(rollout.observation[:-1], rollout.policy_state, rollout.ended)
            means = learner.policy.mean(remembered)
        torch.testing.assert_close(means, rollout.output, atol=1e-6, rtol=0)


def test_onnxruntime_has_the_states_by_name(tmp_path):
    policy, sequences = policy_of("lstm", size=7), recorded(10)
    path = tmp_path / "policy.onnx"
    export_policy(policy, CONTRACT, path, {}, sequences.observation[0], sequences)
    session = onnxruntime.InferenceSession(path)
    assert [(entry.name, entry.shape) for entry in session.get_inputs()] == [
        ("observation", ["batch", SIZE]),
        ("state_0", ["batch", 7]),
        ("state_1", ["batch", 7]),
    ]
    assert [entry.name for entry in session.get_outputs()] == ["action", "next_state_0", "next_state_1"]
