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
from sim2real.training.normalizer import Normalizer
from sim2real.training.policy import Policy
from sim2real.training.replay_buffer import ReplayBuffer
from sim2real.training.row_normalizer import RowNormalizer

# Bounds of the logarithm of the standard deviation, as in the authors' code, with a higher lower bound: std 0.0067.
_LOG_STD_MIN: Final = -5.0
_LOG_STD_MAX: Final = 2.0

_FIGURES: Final = (
    "loss/critic",
    "loss/actor",
    "policy/entropy",
    "policy/temperature",
    "value/mean",
    "value/target",
    "value/twin_gap",
    "gradient_norm/critic",
    "gradient_norm/actor",
)


class Sac:
    """SAC bound to an environment.

    The critics also get the privileged values (asymmetric actor-critic, Pinto et al. 2018). The actor does not: they
    are not available on the robot.

    Each step of all environments is followed by `updates_per_step` gradient updates. Actions are uniform for the first
    `warmup` steps, then drawn from the policy.
    """

    def __init__(self, config: SacConfig, environment: Environment, seed: int) -> None:
        self.config: Final = config
        self._environment: Final = environment
        sizes = environment.observation_size, environment.action_size
        privileged_size = environment.privileged_size
        width = config.hidden[-1] if config.hidden else sizes[0]
        self._generator: Final = torch.Generator().manual_seed(seed)
        self._policy: Final = Policy(config, *sizes, self._generator, squash=True)
        self.log_std_head: Final = linear(width, sizes[1], POLICY_HEAD_GAIN, self._generator)
        self.critic: Final = TwinCritic(sum(sizes) + privileged_size, config.hidden, config.activation, self._generator)
        self._privileged_normalizer: Final = Normalizer(privileged_size)
        self._normalizer: Final = RowNormalizer(self._policy.normalizer, self._privileged_normalizer)
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
        self._replay: Final = ReplayBuffer(config.buffer, *sizes, privileged_size)
        # Raw inputs of the critics in the current state: observations and privileged values.
        self._raw: Final = torch.zeros(environment.num_envs, sizes[0] + privileged_size)
        self._observation, self._privileged = self._normalizer.parts(self._raw)
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
        self._privileged.copy_(torch.from_numpy(self._environment.privileged))

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
            metrics |= dict(zip(_FIGURES, torch.stack(figures).mean(0).tolist(), strict=True))
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
            "raw": self._raw.clone(),
            "privileged_normalizer": self._privileged_normalizer.state_dict(),
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
        self._raw.copy_(state["raw"])
        self._privileged_normalizer.load_state_dict(state["privileged_normalizer"])
        self._replay.restore(state["replay"])
        self._steps = int(state["steps"])
        self._updates_owed = float(state["updates_owed"])

    def warm_start(self, state: dict[str, Any]) -> tuple[str, ...]:
        """Take over the spread of the actions, the critics and the temperature; not the replay buffer."""
        with torch.no_grad():
            self.log_temperature.copy_(state["log_temperature"])
        own = {
            "log_std_head": self.log_std_head,
            "critic": self.critic,
            "target_critic": self.target_critic,
            "privileged_normalizer": self._privileged_normalizer,
        }
        return ("log_temperature", *take_fitting(own, state))

    def _step(self) -> None:
        action = self._explore()
        transition = self._environment.step_arrays(action)
        self._replay.add(self._raw.numpy(), action, transition)
        if transition.skipped is None:
            self._normalizer.update(self._raw)
        elif not transition.skipped.all():
            self._normalizer.update(self._raw[torch.from_numpy(~transition.skipped)])
        self._observation.copy_(torch.from_numpy(transition.observation))
        self._privileged.copy_(torch.from_numpy(transition.privileged))
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
        """Update critics, actor, temperature and target critics once; return the metrics of `_FIGURES`."""
        config = self.config
        batch = self._replay.sample(config.batch, self._generator)
        inputs, next_inputs = self._normalizer(batch.inputs), self._normalizer(batch.next_inputs)
        observation, _ = self._normalizer.parts(inputs)
        next_observation, _ = self._normalizer.parts(next_inputs)
        temperature = self.log_temperature.detach().exp()

        with torch.no_grad():
            next_action, next_log_prob = self._sample(next_observation)
            next_values = self.target_critic(next_inputs, next_action)
            target = soft_target(
                batch.reward, batch.terminated, next_values, next_log_prob, temperature, config.discount
            )
        fitted = self.critic(inputs, batch.action)
        loss = critic_loss(fitted, target)
        critic_norm = self._descend("critic", loss, list(self.critic.parameters()))

        action, log_prob = self._sample(observation)
        values = self.critic(inputs, action)
        policy_loss = actor_loss(values, log_prob, temperature)
        # Only the actor's gradients are needed here, not those of the critics' weights.
        actor_norm = self._descend("actor", policy_loss, self._actor_parameters)
        self._descend(
            "temperature",
            temperature_loss(self.log_temperature, log_prob, self._target_entropy),
            [self.log_temperature],
        )
        with torch.no_grad():
            for slow, fast in zip(self.target_critic.parameters(), self.critic.parameters(), strict=True):
                slow.lerp_(fast, config.polyak)
            gap = (fitted[0] - fitted[1]).abs().mean()
            entropy = -log_prob.mean()
            means = values.mean(), target.mean()
            return torch.stack((loss, policy_loss, entropy, temperature, *means, gap, critic_norm, actor_norm))

    def _descend(self, name: str, loss: Tensor, parameters: list[nn.Parameter]) -> Tensor:
        """Take one gradient step; return the norm of the gradient."""
        optimizer = self._optimizers[name]
        optimizer.zero_grad()
        torch.autograd.backward(loss, inputs=parameters)
        optimizer.step()
        return nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
