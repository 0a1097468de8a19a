"""What all off-policy learners do: step environments, store transitions, and update from random batches of them."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.schema.off_policy import OffPolicyConfig
from sim2real.training import team
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.device import placed, to_array
from sim2real.training.environment_interface import Environment, Floats, Transition, budgets_of
from sim2real.training.fitting import take_fitting
from sim2real.training.flat_adam import FlatAdam
from sim2real.training.n_step import NStepTransitions
from sim2real.training.normalizer import Normalizer
from sim2real.training.penalized_reward import PenalizedReward
from sim2real.training.policy import Policy
from sim2real.training.replay_buffer import ReplayBuffer, TransitionBatch
from sim2real.training.row_normalizer import RowNormalizer, privileged_normalizer
from sim2real.training.shared_batch import SharedBatch
from sim2real.training.symmetry import Mirror

Figures = dict[str, Tensor]
"""Scalars of one update, by name; their means over an iteration are its metrics."""


class OffPolicyLearner(ABC):
    """A learner with a replay buffer, bound to an environment.

    Each step of all environments is followed by `updates_per_step` gradient updates. Actions are random for the first
    `warmup` steps, then those of the learner's exploration. Critics also get the privileged values (asymmetric
    actor-critic, Pinto et al. 2018). The policy does not: they are not available on the robot.

    A learner fills `learned`, `kept` and `optimizers`, explores, and updates. What is in them is saved and restored.

    Args:
        config: Source of the replay buffer and the updates.
        environment: Where it learns.
        generator: All its random numbers.
        policy: What it learns.
        stored: Numbers that the replay buffer keeps of an action; None: A.
        mirror: Half of every batch is replaced by its images.
    """

    def __init__(
        self,
        config: OffPolicyConfig,
        environment: Environment,
        generator: torch.Generator,
        policy: Policy,
        stored: int | None = None,
        mirror: Mirror | None = None,
    ) -> None:
        self._common: Final = config
        self._environment: Final = environment
        self._generator: Final = generator
        self._policy: Final = placed(policy)
        self._mirror: Final = mirror
        self.learned: Final[dict[str, nn.Module | nn.Parameter]] = {}
        """Networks and single parameters beside the policy, by name."""
        self.kept: Final[dict[str, nn.Module]] = {}
        """Modules with a state that another run has no use for, by name."""
        self.optimizers: Final[dict[str, torch.optim.Optimizer]] = {}
        """Optimizers by the name of what they fit."""
        observed, privileged = environment.observation_size, environment.privileged_size
        self._inputs: Final = observed + privileged
        self._privileged_normalizer: Final[Normalizer] = privileged_normalizer(environment, config.normalizer_half_life)
        self._normalizer: Final = RowNormalizer(
            policy.normalizer, self._privileged_normalizer, None if mirror is None else mirror.rows
        )
        n, acted = environment.num_envs, stored or environment.action_size
        if config.buffer < n * config.n_step:
            raise ConfigError(
                f"algorithm.buffer: {config.buffer} transitions; one step of {n} environments may complete "
                f"{n * config.n_step}; valid: that or more"
            )
        costs = len(budgets_of(environment)) if config.lagrange is not None else 0
        self._penalized: Final = (
            PenalizedReward(config.lagrange, environment) if config.lagrange is not None and costs else None
        )
        self._transitions: Final = NStepTransitions(config.n_step, config.discount, n, self._inputs, acted, costs)
        self._replay: Final = self._make_replay(config.buffer // team.size(), self._inputs, acted, costs)
        self._batch: Final = SharedBatch(config.batch, n, generator)
        # Raw inputs of the critics in the current state: observations and privileged values; on the processor.
        self._raw: Final = torch.zeros(n, self._inputs)
        self._observation, self._privileged = self._normalizer.parts(self._raw)
        self.updates = 0
        """Updates so far, with the one in progress."""
        self._steps = 0
        self._stored_by_all = 0
        self._updates_owed = 0.0
        self._progress = 0.0

    @abstractmethod
    def _explore(self, normalized: Tensor) -> Floats:
        """Return actions to learn from, as they are stored, for normalised observations, (n, O)."""

    @abstractmethod
    def _update(self, batch: TransitionBatch, inputs: Tensor, next_inputs: Tensor) -> Figures:
        """Update all networks once.

        Args:
            batch: Transitions.
            inputs: Normalised inputs of the critics before them, (n, O + P).
            next_inputs: Normalised inputs of the critics after them, (n, O + P).
        """

    def _random_actions(self) -> Floats:
        """Return the actions of the warm-up, as they are stored: uniform."""
        n, size = self._environment.num_envs * team.size(), self._environment.action_size
        return to_array(team.own(torch.rand(n, size, generator=self._generator) * 2.0 - 1.0, 0))

    def _executed(self, stored: Floats) -> Floats:
        """Return the actions for the environment, (n, A), for stored ones."""
        return stored

    def _make_replay(self, capacity: int, inputs: int, action_size: int, costs: int) -> ReplayBuffer:
        """Return the replay buffer."""
        return ReplayBuffer(capacity, inputs, action_size, costs)

    def _drawn(self) -> TransitionBatch:
        """Return a batch to update from."""
        return self._batch.draw(self._replay, self._stored_by_all)

    @property
    def policy(self) -> Policy:
        """The current policy."""
        return self._policy

    def start(self, seed: int) -> None:
        """Start the first episodes, with random ages, so that environments are in different phases of the task."""
        self._observation.copy_(torch.from_numpy(self._environment.reset_arrays(seed)))
        self._environment.stagger()
        self._privileged.copy_(torch.from_numpy(self._environment.privileged))
        self._transitions.begin()

    def iterate(self, progress: float) -> tuple[int, Metrics]:
        """Take `iteration_steps` steps in every environment; learn after each."""
        self._progress = progress
        collecting = learning = 0.0
        figures: dict[str, list[Tensor]] = {}
        for _ in range(self._common.iteration_steps):
            begin = time.perf_counter()
            self._step()
            middle = time.perf_counter()
            for _ in range(self._updates_due()):
                for name, figure in self._learn().items():
                    figures.setdefault(name, []).append(figure)
            collecting += middle - begin
            learning += time.perf_counter() - middle
        metrics = {
            name: float(team.summed(torch.stack(values).mean()) / team.size()) for name, values in figures.items()
        }
        if self._penalized is not None:
            metrics |= self._penalized.update(learned=self._steps > self._common.warmup)
        metrics |= {"time/collect_s": collecting, "time/learn_s": learning}
        metrics["learning_rate"] = self._common.learning_rate
        return self._common.iteration_steps * self._environment.num_envs, metrics

    def state(self) -> dict[str, Any]:
        """Return the state needed to resume bit for bit, with the replay buffer, without policy and environment."""
        return {
            **{name: _state_of(part) for name, part in (self.learned | self.kept).items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "generator": self._generator.get_state(),
            "raw": self._raw.clone(),
            "privileged_normalizer": self._privileged_normalizer.state_dict(),
            "transitions": self._transitions.state(),
            "replay": self._replay.state(),
            "steps": self._steps,
            "updates": self.updates,
            "updates_owed": self._updates_owed,
            **({} if self._penalized is None else {"penalized": self._penalized.state()}),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned. Raises UserError for a state of an earlier version."""
        if "transitions" not in state:
            raise UserError(
                f"the checkpoint is of an earlier version of {self._common.name.upper()}, which stored other "
                "transitions; begin a new run from it with --init-from"
            )
        for name, part in (self.learned | self.kept).items():
            _restore(part, state[name])
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        self._generator.set_state(state["generator"])
        self._raw.copy_(state["raw"])
        self._privileged_normalizer.load_state_dict(state["privileged_normalizer"])
        self._transitions.restore(state["transitions"])
        self._restore_replay(state["replay"])
        self._steps = int(state["steps"])
        self._stored_by_all = team.least(len(self._replay))
        self.updates = int(state["updates"])
        self._updates_owed = float(state["updates_owed"])
        if self._penalized is not None:
            self._penalized.restore(state["penalized"])

    def warm_start(self, state: dict[str, Any]) -> tuple[str, ...]:
        """Take over what was learned beside the policy where it fits; not the replay buffer."""
        modules = {name: part for name, part in self.learned.items() if isinstance(part, nn.Module)}
        single = [name for name, part in self.learned.items() if isinstance(part, nn.Parameter)]
        taken = [name for name in single if name in state and state[name].shape == _state_of(self.learned[name]).shape]
        for name in taken:
            _restore(self.learned[name], state[name])
        return (*taken, *take_fitting({**modules, "privileged_normalizer": self._privileged_normalizer}, state))

    def _adam(
        self, name: str, parameters: Iterable[nn.Parameter], betas: tuple[float, float] = (0.9, 0.999)
    ) -> FlatAdam:
        """Return the optimizer of some parameters, whose state is the learner's."""
        adam = FlatAdam(parameters, self._common.learning_rate, betas)
        self.optimizers[name] = adam.optimizer
        return adam

    def _step(self) -> None:
        random = self._steps < self._common.warmup
        with torch.no_grad():
            action = (
                self._random_actions() if random else self._explore(self._policy.normalizer(placed(self._observation)))
            )
            transition = self._environment.step_arrays(self._executed(action))
            self._keep(action, transition)
        if transition.skipped is None:
            self._normalizer.update(placed(self._raw))
        elif team.any_of(not transition.skipped.all()):
            self._normalizer.update(placed(self._raw[torch.from_numpy(~transition.skipped)]))
        self._observation.copy_(torch.from_numpy(transition.observation))
        self._privileged.copy_(torch.from_numpy(transition.privileged))
        self._steps += self._environment.num_envs * team.size()
        self._stored_by_all = team.least(len(self._replay))

    def _keep(self, action: Floats, transition: Transition) -> None:
        """Store a step of all environments, with the actions as they are stored."""
        excess = None
        if self._penalized is not None:
            kept = None if transition.skipped is None else ~transition.skipped
            excess = self._penalized.take(transition.reward, kept)
        self._replay.add(self._transitions.add(self._raw.numpy(), action, transition, excess))

    def _stored(self) -> bool:
        """Return whether there is enough to update from."""
        return self._stored_by_all > 0

    def _restore_replay(self, state: dict[str, Any]) -> None:
        """Restore what was stored, the entry `replay` of the state."""
        self._replay.restore(state)

    def _updates_due(self) -> int:
        """Return the number of updates after this step; a fractional one is carried over to the next."""
        if self._steps < self._common.warmup or not self._stored():
            return 0
        self._updates_owed += self._common.updates_per_step
        due = int(self._updates_owed)
        self._updates_owed -= due
        return due

    def _learn(self) -> Figures:
        self.updates += 1
        batch = self._drawn()
        if self._penalized is not None:
            batch.reward = self._penalized.of(batch.reward, batch.costs)
        if self._mirror is not None:
            self._mirror.reflect(batch, self._batch.leading)
        return self._update(batch, self._normalizer(batch.inputs), self._normalizer(batch.next_inputs))


def _state_of(part: nn.Module | nn.Parameter) -> Any:  # noqa: ANN401 - a tensor, or a module's state
    return part.state_dict() if isinstance(part, nn.Module) else part.detach().clone()


def _restore(part: nn.Module | nn.Parameter, state: Any) -> None:  # noqa: ANN401 - as of _state_of
    if isinstance(part, nn.Module):
        part.load_state_dict(state)
    else:
        with torch.no_grad():
            part.copy_(state)
