"""Soft actor-critic with twin critics and automatic temperature (Haarnoja et al. 2018, version with learned α)."""

import time
from copy import deepcopy
from itertools import chain
from typing import Any, Final

import torch
from torch import Tensor, nn

from sim2real.configs.schema.algorithm import SacConfig
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.algorithms.sac_loss import actor_loss, critic_loss, soft_target, temperature_loss
from sim2real.training.distributions import tanh_gaussian_sample
from sim2real.training.environment_interface import Environment, Floats
from sim2real.training.fitting import take_fitting
from sim2real.training.networks import POLICY_HEAD_GAIN, TwinCritic, linear
from sim2real.training.policy import Policy
from sim2real.training.replay_buffer import ReplayBuffer

# Bounds of the logarithm of the standard deviation, as in the authors' code, with a higher lower bound: std 0.0067.
_LOG_STD_MIN: Final = -5.0
_LOG_STD_MAX: Final = 2.0


class Sac:
    """SAC bound to an environment.

    Each step of all environments is followed by `updates_per_step` gradient updates. Actions are uniform for the first
    `warmup` steps, then drawn from the policy.
    """

    def __init__(self, config: SacConfig, environment: Environment, seed: int) -> None:
        self.config: Final = config
        self._environment: Final = environment
        sizes = environment.observation_size, environment.action_size
        width = config.hidden[-1] if config.hidden else sizes[0]
        self._generator: Final = torch.Generator().manual_seed(seed)
        self._policy: Final = Policy(config, *sizes, self._generator, squash=True)
        self.log_std_head: Final = linear(width, sizes[1], POLICY_HEAD_GAIN, self._generator)
        self.critic: Final = TwinCritic(sum(sizes), config.hidden, config.activation, self._generator)
        self.target_critic: Final = deepcopy(self.critic).requires_grad_(False)
        self.log_temperature: Final = nn.Parameter(torch.tensor(config.initial_temperature).log())
        self._target_entropy: Final = -config.target_entropy_scale * sizes[1]
        self._actor_parameters: Final = list(chain(self._policy.parameters(), self.log_std_head.parameters()))
        self._optimizers: Final = {
            name: torch.optim.Adam(parameters, lr=config.learning_rate, fused=True)
            for name, parameters in (
                ("actor", self._actor_parameters),
                ("critic", list(self.critic.parameters())),
                ("temperature", [self.log_temperature]),
            )
        }
        self._replay: Final = ReplayBuffer(config.buffer, *sizes)
        self._observation = torch.zeros(environment.num_envs, sizes[0])
        self._steps = 0
        self._updates_owed = 0.0

    @property
    def policy(self) -> Policy:
        """The current policy."""
        return self._policy

    def start(self, seed: int) -> None:
        """Start the first episodes, with random ages, so that environments are in different phases of the task."""
        self._observation.copy_(torch.from_numpy(self._environment.reset_arrays(seed)))
        self._environment.stagger()

    def iterate(self, progress: float) -> tuple[int, Metrics]:
        """Take `iteration_steps` steps in every environment; learn after each."""
        collecting = learning = 0.0
        figures: list[Tensor] = []
        for _ in range(self.config.iteration_steps):
            begin = time.perf_counter()
            self._step()
            middle = time.perf_counter()
            figures += self._learn()
            collecting += middle - begin
            learning += time.perf_counter() - middle
        metrics = {"time/collect_s": collecting, "time/learn_s": learning, "learning_rate": self.config.learning_rate}
        if figures:
            names = ("loss/critic", "loss/actor", "policy/entropy", "value/mean", "policy/temperature")
            metrics |= dict(zip(names, torch.stack(figures).mean(0).tolist(), strict=True))
        return self.config.iteration_steps * self._environment.num_envs, metrics

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, with the replay buffer, without policy and environment."""
        return {
            "log_std_head": self.log_std_head.state_dict(),
            "critic": self.critic.state_dict(),
            "target_critic": self.target_critic.state_dict(),
            "log_temperature": self.log_temperature.detach().clone(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self._optimizers.items()},
            "generator": self._generator.get_state(),
            "observation": self._observation.clone(),
            "replay": self._replay.state(),
            "steps": self._steps,
            "updates_owed": self._updates_owed,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.log_std_head.load_state_dict(state["log_std_head"])
        self.critic.load_state_dict(state["critic"])
        self.target_critic.load_state_dict(state["target_critic"])
        with torch.no_grad():
            self.log_temperature.copy_(state["log_temperature"])
        for name, optimizer in self._optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self._generator.set_state(state["generator"])
        self._observation.copy_(state["observation"])
        self._replay.restore(state["replay"])
        self._steps = int(state["steps"])
        self._updates_owed = float(state["updates_owed"])

    def warm_start(self, state: dict[str, Any]) -> tuple[str, ...]:
        """Take over the spread of the actions, the critics and the temperature; not the replay buffer."""
        with torch.no_grad():
            self.log_temperature.copy_(state["log_temperature"])
        own = {"log_std_head": self.log_std_head, "critic": self.critic, "target_critic": self.target_critic}
        return ("log_temperature", *take_fitting(own, state))

    def _step(self) -> None:
        observation: Floats = self._observation.numpy()
        action = self._explore()
        transition = self._environment.step_arrays(action)
        self._replay.add(observation, action, transition)
        if transition.skipped is None:
            self._policy.normalizer.update(self._observation)
        elif not transition.skipped.all():
            self._policy.normalizer.update(self._observation[torch.from_numpy(~transition.skipped)])
        self._observation.copy_(torch.from_numpy(transition.observation))
        self._steps += self._environment.num_envs

    @torch.no_grad()
    def _explore(self) -> Floats:
        """Return actions drawn from the policy, or uniform ones during warm-up, (n, A)."""
        n, size = self._environment.num_envs, self._environment.action_size
        actions: Floats
        if self._steps < self.config.warmup:
            actions = (torch.rand(n, size, generator=self._generator) * 2.0 - 1.0).numpy()
        else:
            actions = self._sample(self._policy.normalizer(self._observation))[0].numpy()
        return actions

    def _sample(self, normalized: Tensor) -> tuple[Tensor, Tensor]:
        """Draw actions, (n, A), and their log-probabilities, (n,), for normalised observations."""
        features = self._policy.features(normalized)
        mean = self._policy.head(features)
        log_std = self.log_std_head(features).clamp(_LOG_STD_MIN, _LOG_STD_MAX)
        return tanh_gaussian_sample(mean, log_std, torch.randn(mean.shape, generator=self._generator))

    def _learn(self) -> list[Tensor]:
        """Do the updates due after one step; a fractional update is carried over to the next step."""
        if self._steps < self.config.warmup:
            return []
        self._updates_owed += self.config.updates_per_step
        due = int(self._updates_owed)
        self._updates_owed -= due
        return [self._update() for _ in range(due)]

    def _update(self) -> Tensor:
        """Update critics, actor, temperature and target critics once; return five metrics, see `iterate`."""
        config = self.config
        batch = self._replay.sample(config.batch, self._generator)
        normalizer = self._policy.normalizer
        observation, next_observation = normalizer(batch.observation), normalizer(batch.next_observation)
        temperature = self.log_temperature.detach().exp()

        with torch.no_grad():
            next_action, next_log_prob = self._sample(next_observation)
            next_values = self.target_critic(next_observation, next_action)
            target = soft_target(
                batch.reward, batch.terminated, next_values, next_log_prob, temperature, config.discount
            )
        loss = critic_loss(self.critic(observation, batch.action), target)
        self._descend("critic", loss, list(self.critic.parameters()))

        action, log_prob = self._sample(observation)
        values = self.critic(observation, action)
        policy_loss = actor_loss(values, log_prob, temperature)
        # Only the actor's gradients are needed here, not those of the critics' weights.
        self._descend("actor", policy_loss, self._actor_parameters)
        self._descend(
            "temperature",
            temperature_loss(self.log_temperature, log_prob, self._target_entropy),
            [self.log_temperature],
        )
        with torch.no_grad():
            for slow, fast in zip(self.target_critic.parameters(), self.critic.parameters(), strict=True):
                slow.lerp_(fast, config.polyak)
        figures = (loss.detach(), policy_loss.detach(), -log_prob.detach().mean(), values.detach().mean(), temperature)
        return torch.stack(figures)

    def _descend(self, name: str, loss: Tensor, parameters: list[nn.Parameter]) -> None:
        optimizer = self._optimizers[name]
        optimizer.zero_grad()
        torch.autograd.backward(loss, inputs=parameters)
        optimizer.step()
