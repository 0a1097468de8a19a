"""Deep Q-network (Mnih et al. 2015, "Human-level control through deep reinforcement learning"), with its successors.

Q(s, a) has an output for each action to choose from; the policy takes the best.

    DQN          minimise h(Q(s, a) − y), h Huber's loss,  y = r + γ·max_a' Q'(s', a')
    double       y = r + γ·Q'(s', argmax_a' Q(s', a'))     van Hasselt et al. 2016: one network picks, the other values,
                                                           so that errors of one are not taken for values
    dueling      Q = V(s) + A(s, a) − mean_a A(s, a)       Wang et al. 2016: the value of a state is learned from any
                                                           action; V does not change which is best: not exported
    prioritized  P(i) ∝ |δᵢ|^α, weights (N·P(i))^−β        Schaul et al. 2016: β rises to 1 by the end of the run

Exploration is ε-greedy, where a random action may be held for several steps (Dabney et al. 2021), or Boltzmann:
P(a|s) ∝ exp(Q(s, a)/T). ε or T falls over a share of the run. Actions are an environment's discrete ones, or a grid of
`action_levels` in each direction of a continuous one.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import huber_loss

from sim2real.configs.schema.off_policy import DqnConfig
from sim2real.training.choices import choices_of
from sim2real.training.device import placed, to_array
from sim2real.training.environment_interface import Environment, Floats, Transition
from sim2real.training.held_choices import HeldChoices
from sim2real.training.networks import linear
from sim2real.training.off_policy_learner import Figures, OffPolicyLearner
from sim2real.training.policy import Policy
from sim2real.training.prioritized_replay import PrioritizedReplay
from sim2real.training.replay_buffer import ReplayBuffer, TransitionBatch
from sim2real.training.target_network import Target


class ActionValues(nn.Module):
    """Q(s, ·) of all choices: the policy's scores, with the value of the state where it is dueling.

    Args:
        policy: Body, and head of K scores.
        value: Head of V; None: the scores are the values.
    """

    def __init__(self, policy: Policy, value: nn.Linear | None) -> None:
        super().__init__()
        self.body, self.head, self.value = policy.body, policy.head, value

    def forward(self, normalized: Tensor) -> Tensor:
        """Return values, (n, K), of normalised observations, (n, O)."""
        features = self.body(normalized)
        scores: Tensor = self.head(features)
        return scores if self.value is None else dueling(self.value(features), scores)


class Dqn(OffPolicyLearner):
    """DQN bound to an environment; its network sees what the policy sees."""

    def __init__(self, config: DqnConfig, environment: Environment, seed: int) -> None:
        self.config: Final = config
        generator = torch.Generator().manual_seed(seed)
        sizes = environment.observation_size, environment.action_size
        choices = torch.from_numpy(choices_of(environment, config.action_levels))
        policy = Policy(config, *sizes, generator, squash=False, choices=choices)
        super().__init__(config, environment, generator, policy, stored=1)
        self._choices: Final = to_array(choices)
        width = config.hidden[-1] if config.hidden else sizes[0]
        self.value_head: Final = placed(linear(width, 1, 1.0, generator)) if config.dueling else None
        self.values: Final = ActionValues(policy, self.value_head)
        self._target: Final = Target(self.values)
        self.learned.update(target=self._target.network)
        if self.value_head is not None:
            self.learned.update(value_head=self.value_head)
        self._adam_values: Final = self._adam("values", self.values.parameters())
        self._held: Final = placed(HeldChoices(environment.num_envs, len(choices), config.exploration_hold))
        self.kept.update(held=self._held)

    def _make_replay(self, capacity: int, inputs: int, action_size: int, costs: int) -> ReplayBuffer:
        if self.config.prioritized:
            return PrioritizedReplay(capacity, inputs, action_size, self.config.priority_exponent, costs)
        return super()._make_replay(capacity, inputs, action_size, costs)

    def _random_actions(self) -> Floats:
        return _stored(self._held.explore(torch.zeros_like(self._held.held), 1.0, self._generator))

    def _executed(self, stored: Floats) -> Floats:
        actions: Floats = self._choices[stored[:, 0].astype(int)]
        return actions

    def _explore(self, normalized: Tensor) -> Floats:
        level, values = self.exploration(self._progress), self.values(normalized)
        if self.config.exploration == "boltzmann":
            # The largest of values with Gumbel noise is distributed as exp(Q/T) says.
            uniform = placed(torch.rand(values.shape, generator=self._generator)).clamp_(min=1e-20)
            return _stored((values / level - (-uniform.log()).log()).argmax(-1))
        return _stored(self._held.explore(values.argmax(-1), level, self._generator))

    def _keep(self, action: Floats, transition: Transition) -> None:
        super()._keep(action, transition)
        self._held.end(transition.terminated | transition.truncated)

    def exploration(self, progress: float) -> float:
        """Return ε, or the temperature T, at a share of the run."""
        first, last = self.config.exploration_range
        return first + (last - first) * min(progress / self.config.exploration_share, 1.0)

    def _update(self, batch: TransitionBatch, inputs: Tensor, next_inputs: Tensor) -> Figures:
        """Update the values once, and the target at every `target_every`-th time."""
        config, replay = self.config, self._replay
        observation, _ = self._normalizer.parts(inputs)
        following, _ = self._normalizer.parts(next_inputs)
        with torch.no_grad():
            next_values = self._target.network(following)
            chooser = self.values(following) if config.double else next_values
            target = q_target(batch.reward, batch.discount, next_values, chooser)
        fitted = self.values(observation).gather(1, batch.action.long()).squeeze(1)
        losses = value_losses(fitted, target, config.error_clip)
        if isinstance(replay, PrioritizedReplay):
            first = config.importance_exponent
            losses = losses * replay.importance(first + (1.0 - first) * self._progress)
            replay.learned(fitted.detach() - target)
        loss = losses.mean()
        norm = self._adam_values.descend(loss)
        if self.updates % config.target_every == 0:
            self._target.follow(self._adam_values.block, config.polyak)
        means = {"value/mean": fitted.detach().mean(), "value/target": target.mean()}
        return {"loss/values": loss.detach(), **means, "gradient_norm": norm}


def q_target(reward: Tensor, discount: Tensor, next_values: Tensor, chooser: Tensor) -> Tensor:
    """Return y = r + γ·Q'(s', argmax_a' chooser), (n,); values are (n, K), the discount is 0 after a terminal state."""
    return torch.addcmul(reward, discount, next_values.gather(1, chooser.argmax(-1, keepdim=True)).squeeze(1))


def value_losses(fitted: Tensor, target: Tensor, clip: float | None) -> Tensor:
    """Return h(Q − y), (n,): ½·δ² for errors δ up to `clip`, beyond it of slope `clip`; None: ½·δ² throughout."""
    if clip is None:
        return 0.5 * (fitted - target).square()
    return huber_loss(fitted, target, reduction="none", delta=clip)


def dueling(value: Tensor, advantages: Tensor) -> Tensor:
    """Return Q = V + A − mean A, (n, K), of (n, 1) and (n, K)."""
    return value + advantages - advantages.mean(-1, keepdim=True)


def _stored(choice: Tensor) -> Floats:
    return to_array(choice.float().unsqueeze(1))
