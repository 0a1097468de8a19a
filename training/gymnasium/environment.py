"""Any `gymnasium.vector.VectorEnv` as an environment of our learners."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from sim2real.configs.errors import UserError
from sim2real.configs.schema.gymnasium import InfoCostConfig
from sim2real.reference.info_costs import InfoCosts
from sim2real.training.environment_interface import Flags, Floats
from sim2real.training.gymnasium.autoreset import RawStep, mode_of, stepper
from sim2real.training.gymnasium.episode_statistics import GymnasiumEpisodes
from sim2real.training.gymnasium.foreign_code import running
from sim2real.training.gymnasium.said import SaidOfStep
from sim2real.training.gymnasium.spaces import ObservationRows, action_map


@dataclass(slots=True)
class GymnasiumTransition:
    """Result of one step, in buffers that the next step overwrites."""

    observation: Floats
    final_observation: Floats
    privileged: Floats
    final_privileged: Floats
    reward: Floats
    terminated: Flags
    truncated: Flags
    skipped: Flags | None = None


@runtime_checkable
class Restorable(Protocol):
    """An environment that offers its whole state; Gymnasium's own do not."""

    def state_dict(self) -> dict[str, Any]:
        """Return arrays and plain data."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""


class GymnasiumEnvironment:
    """A vector environment of somebody else.

    Actions of ±1 are its bounds; discrete ones are their numbers, one value each. Observations are flat rows of
    float32. Episodes end in the same step for the learner, whatever the autoreset mode; rows in which a NEXT_STEP
    environment only begins an episode are `skipped`.

    Where it has `state_dict()` and `load_state_dict(state)`, arrays and plain data, a run can go on from its state;
    otherwise its episodes begin again.

    Args:
        env: The environment; whoever made it closes it.
        autoreset: Its autoreset mode, if it does not say.
        reward_scale: Factor of the rewards that the learner sees; returns are as paid.
        costs: Costs with budgets, by the entry of `info` that has them.

    Raises:
        UserError: Its observations are no boxes, its actions neither boxes nor discrete, actions have no finite
            bounds, or its autoreset mode is not known.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        *,
        autoreset: AutoresetMode | str | None = None,
        reward_scale: float = 1.0,
        costs: Mapping[str, InfoCostConfig] | None = None,
    ) -> None:
        self.env = env
        self.num_envs: int = env.num_envs
        self.observations = ObservationRows(env.single_observation_space)
        self.actions = action_map(env.single_action_space)
        self.autoreset = mode_of(env, autoreset)
        self._costs = InfoCosts(costs or {}, self.num_envs)
        self.episodes = GymnasiumEpisodes(self.num_envs, tuple(self._costs.budgets))
        self._stepper = stepper(env, self.autoreset)
        self._reward_scale = reward_scale
        n = self.num_envs
        self.privileged: Floats = np.zeros((n, 0), np.float32)
        self._out = GymnasiumTransition(
            observation=np.zeros((n, self.observation_size), np.float32),
            final_observation=np.zeros((n, self.observation_size), np.float32),
            privileged=self.privileged,
            final_privileged=self.privileged,
            reward=np.zeros(n, np.float32),
            terminated=np.zeros(n, np.bool_),
            truncated=np.zeros(n, np.bool_),
        )

    @property
    def restores(self) -> bool:
        """Whether the environment goes on from a saved state."""
        return isinstance(self.env, Restorable)

    @property
    def observation_size(self) -> int:
        """O, the length of one observation."""
        return self.observations.size

    @property
    def action_size(self) -> int:
        """A, the length of one action."""
        return self.actions.size

    @property
    def choices(self) -> Floats | None:
        """The only actions, (K, 1), where they are discrete."""
        return self.actions.choices

    @property
    def cost_budgets(self) -> dict[str, float]:
        """Highest mean of every cost over control steps, by name."""
        return self._costs.budgets

    @property
    def costs(self) -> Floats:
        """Costs of the last step, (n, C), in the order of `cost_budgets`; zero in rows that are no step."""
        return self._costs.values

    @property
    def privileged_size(self) -> int:
        """0: a foreign environment has no privileged values."""
        return 0

    def reset_arrays(self, seed: int | None = None) -> Floats:
        """Start new episodes in all environments; return the observations, (n, O). Raises UserError if it fails."""
        with running(self.env, "reset"):
            observation, _ = self.env.reset(seed=seed)
        self._stepper.begin()
        self.episodes.begin()
        self.observations.write(observation, self._out.observation)
        return self._out.observation

    def stagger(self) -> None:
        """Do nothing: the age of a foreign episode cannot be set."""

    def step_arrays(self, actions: Floats) -> GymnasiumTransition:
        """Step every environment with actions, (n, A), clipped to ±1.

        Raises:
            UserError: The environment failed, what it returned is not what its spaces and its mode promise, or a cost
                is missing.
        """
        played = self.actions(actions)
        with running(self.env, "step"):
            step = self._stepper.step(played)
        out = self._out
        paid = self._paid(step)
        np.logical_and(step.truncated, ~step.terminated, out=out.truncated)
        out.terminated[:] = step.terminated
        out.skipped = step.skipped
        with np.errstate(over="ignore"):
            out.reward[:] = paid * self._reward_scale
        self._costs.measure(SaidOfStep(self.env, step))
        self.episodes.add(paid, out.terminated, out.truncated, step.skipped, step.info, self._costs.values)
        self.observations.write(step.observation, out.observation)
        out.final_observation[:] = out.observation
        for row, final in step.finals.items():
            self.observations.write(np.asarray(final)[None], out.final_observation[row : row + 1])
        return out

    def curriculum_figures(self) -> dict[str, float]:
        """Return an empty dict: there is no curriculum."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Return the state needed to go on, if the environment offers its own; otherwise an empty one."""
        if not isinstance(self.env, Restorable):
            return {}
        with running(self.env, "state_dict"):
            state = self.env.state_dict()
        return {
            "env": state,
            "stepper": self._stepper.state_dict(),
            "episodes": self.episodes.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned; after an empty one the episodes have to be begun again."""
        if not isinstance(self.env, Restorable):
            return
        with running(self.env, "load_state_dict"):
            self.env.load_state_dict(state["env"])
        self._stepper.load_state_dict(state["stepper"])
        self.episodes.load_state_dict(state["episodes"])

    def _paid(self, step: RawStep) -> np.ndarray[Any, np.dtype[np.float64]]:
        paid = np.asarray(step.reward, np.float64)
        if paid.shape != (self.num_envs,):
            raise UserError(f"{self.env}: returned rewards of shape {paid.shape}; valid: ({self.num_envs},)")
        return paid
