"""Laws of stored sequences: in order, of one environment, never across the write position, exact at ends."""

import pytest
import torch

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.configs.schema.off_policy import SacConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.memory import forgotten
from sim2real.training.sequence_replay import SequenceReplay

N, SLOTS = 3, 10
GRU = MemoryConfig(kind="gru", size=4)
SAC = SacConfig(
    name="sac", memory=GRU, hidden=(8,), batch=24, buffer=600, warmup=40, iteration_steps=20, updates_per_step=1.0,
    sequence_length=4, burn_in=3,
)  # fmt: skip


def filled(steps):
    """A buffer in which every number says its step and environment."""
    replay = SequenceReplay(N * SLOTS + 2, N, 2, 1, (((1, 2),), ((1, 1), (1, 1))))
    for step in range(steps):
        mark = step * 10.0 + torch.arange(N)
        inputs, action = mark.repeat(2, 1).T, mark.unsqueeze(-1)
        ended = torch.full((N,), step % 4 == 3)
        parts = [inputs, action, mark, torch.full((N,), 0.9), inputs + 0.5, ended, torch.full((N,), step % 5 > 0)]
        replay.add(parts, ((inputs,), (action, action + 0.25)))
    return replay


@pytest.mark.parametrize("steps", [6, 10, 17])
def test_a_sequence_has_the_steps_of_one_environment_in_their_order(steps):
    replay = filled(steps)
    drawn = replay.sample(200, 4, torch.Generator().manual_seed(0))
    step, environment = (drawn.reward / 10.0).floor(), drawn.reward % 10.0
    assert torch.equal(step[1:] - step[:-1], torch.ones(3, 200))
    assert (environment == environment[0]).all()
    assert sorted(set(step[0].tolist())) == list(range(max(0, steps - SLOTS), steps - 3))
    assert set(environment[0].tolist()) == {0.0, 1.0, 2.0}
    assert torch.equal(drawn.ended, step % 4 == 3)
    assert torch.equal(drawn.kept, step % 5 > 0)
    assert torch.equal(drawn.next_inputs, drawn.inputs + 0.5)
    assert torch.equal(drawn.states[0][0], drawn.inputs[0])
    assert torch.equal(drawn.states[1][1], drawn.action[0] + 0.25)
    assert torch.equal(drawn.part(2).reward, drawn.reward[2:])


def test_a_restored_buffer_draws_the_same_sequences():
    replay, other = filled(17), filled(0)
    other.restore(replay.state())
    one, two = (each.sample(50, 4, torch.Generator().manual_seed(1)) for each in (replay, other))
    assert torch.equal(one.inputs, two.inputs)
    assert len(other) == len(replay) == SLOTS


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_what_is_carried_from_step_to_step_is_what_the_whole_sequence_leaves(kind, point_environment):
    environment = point_environment(4, episode_steps=6)
    config = SAC.model_copy(update={"memory": MemoryConfig(kind=kind, size=4), "warmup": 10**6})
    learner = make_algorithm(config, environment, 0)
    learner.start(0)
    rows, ends = [], []
    step_arrays = environment.step_arrays

    def stepped(actions):
        row = torch.zeros(4, environment.observation_size)
        row[:, :2] = torch.from_numpy(environment.x)
        rows.append(row)
        out = step_arrays(actions)
        ends.append(torch.from_numpy(out.terminated | out.truncated))
        return out

    environment.step_arrays = stepped
    learner.policy.normalizer.forward = lambda rows: rows  # its moments change from step to step
    learner.iterate(0.0)
    memory = learner.policy.memory
    with torch.no_grad():
        _, states = memory(torch.stack(rows), memory.initial(4), torch.stack(ends))
    assert 0 < torch.stack(ends).sum() < 40
    expected = forgotten(tuple(part[-1] for part in states), ends[-1])
    for one, other in zip(learner.state()["remembered"][0], expected, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"n_step": 2}, r"algorithm\.n_step: not with algorithm\.memory"),
        ({"value_network": True}, r"algorithm\.value_network: not with algorithm\.memory"),
        ({"buffer": 20}, r"less than one sequence of 7 steps of 4 environments; valid: 28 or more"),
    ],
)
def test_what_memory_does_not_go_with_is_refused(update, message, point_environment):
    with pytest.raises(ConfigError, match=message):
        make_algorithm(SAC.model_copy(update=update), point_environment(4), 0)
