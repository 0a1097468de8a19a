"""Laws of symmetry with memory: the image of an episode is an episode of its own, which is remembered by itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.algorithm import PpoConfig
from sim2real.configs.schema.memory import MemoryConfig
from sim2real.configs.schema.off_policy import SacConfig
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.memory import forgotten
from sim2real.training.rollout import Minibatch
from sim2real.training.sequence_replay import SequenceReplay
from sim2real.training.symmetry import mirror_of

N = 6
PPO = PpoConfig(
    name="ppo", rollout_steps=10, minibatches=2, epochs=2, hidden=(8,), learning_rate=3e-3, target_kl=None,
    symmetry="data",
)  # fmt: skip
SAC = SacConfig(
    name="sac", hidden=(8,), batch=24, buffer=600, warmup=10**6, iteration_steps=20, updates_per_step=1.0,
    sequence_length=4, burn_in=3, symmetry="data",
)  # fmt: skip
KINDS = pytest.mark.parametrize("kind", ["gru", "lstm"])


def remembering(config, kind, **more):
    return config.model_copy(update={"memory": MemoryConfig(kind=kind, size=4), **more})


def collected(config, environment, rollouts=3, learner_type=Ppo):
    """A PPO that has learned from some rollouts, and has collected one more."""
    learner = learner_type(config, environment, 0)
    learner.start(0)
    for iteration in range(rollouts):
        learner.iterate(iteration / rollouts)
    learner.collect()
    return learner


def minibatch(learner):
    """All of a rollout in its order, with columns as PPO has them."""
    rollout = learner.rollout
    log_prob = learner.distribution.log_prob(rollout.output, rollout.action).detach()
    columns = (rollout.action, rollout.output, log_prob, rollout.reward, rollout.reward)
    (batch,) = rollout.minibatches(columns, 1, torch.Generator().manual_seed(0), sequences=True)
    return batch


def mirrored(batch, mirror):
    """The image of a batch, in whose images the episodes are what they were."""
    action, output, *others = batch.columns
    return replace(
        batch,
        inputs=mirror.rows(batch.inputs),
        columns=(mirror.actions(action), mirror.actions(output), *others),
        policy_state=batch.image_states[0],
        value_state=batch.image_states[1],
        image_states=(batch.policy_state, batch.value_state),
    )


def gradients(learner, batch):
    """Figures of a mini-batch, and the gradients of policy and value network."""
    parts = {"policy": learner.policy, "value": learner.value}
    for part in parts.values():
        part.zero_grad()
    figures = learner.gradients(learner.distribution.frozen(), batch)
    found = {
        f"{name}.{key}": weight.grad.clone() for name, part in parts.items() for key, weight in part.named_parameters()
    }
    return figures, found


@KINDS
def test_the_image_of_an_episode_is_remembered_as_if_it_were_seen(kind, point_environment):
    class Shown(Ppo):
        """Shows every mirrored row to the memories, one after the other."""

        shown, ends = None, 0

        def collect(self):
            super().collect()
            memories = self.policy.memory, self.value.memory
            self.shown = self.shown or tuple(memory.initial(N) for memory in memories)
            for one, other in zip(self.shown, self.rollout.image_states, strict=True):
                torch.testing.assert_close(one, other)
            states = list(self.shown)
            for row, ended in zip(self.rollout.normalized, self.rollout.ended, strict=False):
                image = mirror.rows(row)
                seen = image[:, : self.rollout.observation.shape[-1]], image
                for number, memory in enumerate(memories):
                    with torch.no_grad():
                        states[number] = forgotten(memory.step(seen[number], states[number])[1], ended)
                self.ends += int(ended.sum())
            self.shown = tuple(states)

    environment = point_environment(N, gift=True, episode_steps=7)
    mirror = mirror_of(environment, wanted=True)
    learner = collected(remembering(PPO, kind), environment, learner_type=Shown)
    assert learner.ends > 2 * N
    assert all(part.abs().max() > 0.01 for state in learner.rollout.image_states for part in state)
    learner.shown = None
    learner.start(1)
    learner.collect()
    assert not any(part.any() for state in learner.rollout.image_states for part in state)


@KINDS
def test_a_batch_and_its_image_have_the_same_gradients(kind, point_environment):
    environment = point_environment(N, gift=True, episode_steps=7)
    learner, mirror = collected(remembering(PPO, kind), environment), mirror_of(environment, wanted=True)
    batch = minibatch(learner)
    assert batch.ended.any()
    assert not torch.allclose(batch.policy_state[0], batch.image_states[0][0], atol=1e-3)
    figures, found = gradients(learner, mirror.doubled(batch))
    of_image, of_images = gradients(learner, mirror.doubled(mirrored(batch, mirror)))
    torch.testing.assert_close(figures, of_image, rtol=1e-4, atol=1e-6)
    for name, gradient in found.items():
        torch.testing.assert_close(of_images[name], gradient, rtol=1e-4, atol=1e-6, msg=name)
    plain, _ = gradients(learner, batch)
    assert not torch.allclose(plain, figures, rtol=1e-3)


@KINDS
def test_the_penalty_is_that_of_an_episode_and_its_image_alike(kind, point_environment):
    environment = point_environment(N, episode_steps=7)
    learner, mirror = collected(remembering(PPO, kind), environment), mirror_of(environment, wanted=True)
    penalties = []
    for batch in (minibatch(learner), mirrored(minibatch(learner), mirror)):
        remembered, _ = learner.policy.memory(batch.inputs, batch.policy_state, batch.ended)
        output = batch.steps_of(learner.policy.mean(remembered))
        penalty = learner.asymmetry(mirror, batch.inputs, output, batch)
        penalties.append([penalty, *torch.autograd.grad(penalty, list(learner.policy.memory.parameters()))])
    assert penalties[0][0] > 1e-9
    torch.testing.assert_close(*penalties, rtol=1e-4, atol=1e-7)


@KINDS
def test_the_penalty_of_a_symmetrical_policy_is_zero(kind, point_environment):
    class Odd(Ppo):
        """Without biases, and with gates that are always half open, its memory turns its sign with what it sees."""

        def collect(self):
            memory, size = self.policy.memory, self.policy.memory.width
            candidate = slice(2 * size, None) if kind == "gru" else slice(3 * size, None)
            with torch.no_grad():
                for layer in (memory.input, memory.hidden):
                    kept = layer.weight[candidate].clone()
                    layer.weight.zero_()
                    layer.weight[candidate] = kept
                    layer.bias.zero_()
                for layer in (self.policy.body[0], self.policy.head):
                    layer.bias.zero_()
                self.policy.head.weight.mul_(100.0)
            super().collect()

    config = remembering(PPO, kind, symmetry="loss", epochs=1, minibatches=1, learning_rate=1e-12)
    environment = point_environment(N, episode_steps=13)
    learner = Odd(config, environment, 0)
    learner.start(0)
    found = [learner.iterate(0.0)[1]["loss/symmetry"] for _ in range(3)]
    assert max(found) < 1e-8
    batch, mirror = minibatch(learner), mirror_of(environment, wanted=True)
    remembered, _ = learner.policy.memory(batch.inputs, batch.policy_state, batch.ended)
    output = batch.steps_of(learner.policy.mean(remembered))
    shared = replace(batch, image_states=(batch.policy_state, batch.value_state))
    # What is remembered of the episode itself would be another thing.
    assert learner.asymmetry(mirror, batch.inputs, output, shared) > 1e-3


def test_outputs_of_sequences_with_their_images_have_the_order_of_the_columns(point_environment):
    mirror = mirror_of(point_environment(1), wanted=True)
    inputs = torch.arange(1.0, 13.0).view(4, 3, 1)
    kept = torch.ones(4, 3, dtype=torch.bool)
    kept[1, 2] = kept[3, 0] = False
    steps = inputs[kept]
    for taken, rows in ((None, inputs.flatten(0, 1)), (kept.flatten(), steps)):
        batch = Minibatch(inputs, (rows, rows), ended=torch.zeros(4, 3, dtype=torch.bool), kept=taken)
        doubled = mirror.doubled(batch)
        assert doubled.inputs.shape == (4, 6, 1)
        assert torch.equal(doubled.steps_of(doubled.inputs), doubled.columns[0])
        assert torch.equal(doubled.columns[0], torch.cat((rows, -rows)))


@KINDS
def test_what_is_stored_with_a_step_is_what_its_image_left_in_memory(kind, point_environment):
    environment = point_environment(4, episode_steps=6)
    learner = make_algorithm(remembering(SAC, kind), environment, 0)
    learner.start(0)
    learner.policy.normalizer.forward = lambda rows: rows  # its moments change from step to step
    learner.iterate(0.0)
    inputs, networks = environment.observation_size, (learner.policy.memory, learner.critic.memory)
    widths = [memory.width for memory in networks for _ in range(memory.state_count)]
    stored = learner.state()["replay"]["rows"]
    columns = torch.split(stored, [inputs, 1, 1, 1, inputs, 1, 1, *widths, *widths], dim=-1)
    rows, ended, states = columns[0], columns[5].squeeze(-1) > 0.0, columns[7:]
    half = len(states) // 2
    mirror = mirror_of(environment, wanted=True)
    assert 4 < ended.sum() < 40
    parts = iter(states[half:])
    for memory in networks:
        with torch.no_grad():
            _, after = memory(mirror.rows(rows), memory.initial(4), ended)
        for part in after:
            expected = torch.cat((torch.zeros_like(part[:1]), part.masked_fill(ended.unsqueeze(-1), 0.0)))
            torch.testing.assert_close(next(parts), expected[:-1])
    assert all(part.any() for state in learner.state()["remembered"] for part in state)


def test_half_of_drawn_sequences_are_images_with_what_these_left_in_memory(point_environment):
    environment = point_environment(4, gift=True)
    mirror, inputs, acted = mirror_of(environment, wanted=True), environment.observation_size + 1, 1
    shapes = (((1, 2),), ((1, 3),)) * 2
    replay, numbers = SequenceReplay(40, 4, inputs, acted, shapes), np.random.default_rng(0)
    for _ in range(10):
        random = [torch.from_numpy(numbers.normal(size=(4, w)).astype(np.float32)) for w in (inputs, acted, 1, 1)]
        flags = [torch.zeros(4, dtype=torch.bool), torch.ones(4, dtype=torch.bool)]
        states = tuple((torch.from_numpy(numbers.normal(size=(4, w)).astype(np.float32)),) for w in (2, 3, 2, 3))
        replay.add([*random, random[0] + 1.0, *flags], states)
    drawn, reflected = (replay.sample(6, 4, torch.Generator().manual_seed(3)) for _ in range(2))
    mirror.reflect_sequences(reflected)
    for name in ("inputs", "next_inputs"):
        before, after = getattr(drawn, name), getattr(reflected, name)
        assert torch.equal(after[:, :3, :-1], -before[:, :3, :-1])
        assert torch.equal(after[..., -1], before[..., -1])
        assert torch.equal(after[:, 3:], before[:, 3:])
    assert torch.equal(reflected.action, torch.cat((-drawn.action[:, :3], drawn.action[:, 3:]), dim=1))
    assert torch.equal(reflected.reward, drawn.reward)
    for own, image, mixed in zip(drawn.states[:2], drawn.states[2:], reflected.states[:2], strict=True):
        assert torch.equal(mixed[0], torch.cat((image[0][:3], own[0][3:])))
    assert torch.equal(
        replay.sample(6, 4, torch.Generator().manual_seed(3)).inputs, drawn.inputs
    )  # nothing stored changed


def test_a_batch_of_one_sequence_has_no_half_to_be_mirrored(point_environment):
    with pytest.raises(ConfigError, match=r"algorithm\.batch: 24 is one sequence of 20 steps.*valid: 40 or more"):
        make_algorithm(remembering(SAC, "gru", sequence_length=20), point_environment(4), 0)
