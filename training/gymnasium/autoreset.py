"""Steps a vector environment in any of Gymnasium's autoreset modes, to one result: true successors, no invented steps.

    mode       ended episode at step t            its next observation        step t + 1
    SAME_STEP  successor in info["final_obs"]     with the same step          a step of the new episode
    DISABLED   successor is the observation       by reset(reset_mask)        a step of the new episode
    NEXT_STEP  successor is the observation       with step t + 1             no step: the action is ignored

The last step of an episode is always a real one. Where the mode is NEXT_STEP, the row after it is `skipped`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from sim2real.configs.errors import UserError
from sim2real.training.environment_interface import Flags

_FINAL_KEYS: Final = ("final_obs", "final_observation")
"""Where a SAME_STEP environment puts successors; the second name is that of Gymnasium before 1.1."""


@dataclass(frozen=True)
class RawStep:
    """Result of one step of n environments, in the environment's own types."""

    observation: Any
    """Next observations, (n, *shape); of the new episode where it has already begun."""
    finals: dict[int, Any]
    """True successor observations of the environments whose `observation` is of a new episode already."""
    reward: NDArray[Any]
    terminated: Flags
    truncated: Flags
    skipped: Flags | None
    """Rows that began an episode instead of taking a step; None if there are none."""
    info: dict[str, Any]


class Stepper(ABC):
    """Steps an environment of one mode.

    Args:
        env: The environment.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        self._env = env

    def begin(self) -> None:  # noqa: B027 - two modes remember nothing
        """Forget the episodes before: all environments have been reset."""

    @abstractmethod
    def step(self, actions: Any) -> RawStep:  # noqa: ANN401 - the environment's own
        """Take one step with actions, (n, *shape)."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it remembers between two steps."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027 - two modes remember nothing
        """Restore what `state_dict` returned."""


def stepper(env: VectorEnv[Any, Any, Any], mode: AutoresetMode) -> Stepper:
    """Return what steps an environment of a mode."""
    kinds: dict[AutoresetMode, type[Stepper]] = {
        AutoresetMode.SAME_STEP: _SameStep,
        AutoresetMode.NEXT_STEP: _NextStep,
        AutoresetMode.DISABLED: _Disabled,
    }
    return kinds[mode](env)


def mode_of(env: VectorEnv[Any, Any, Any], given: AutoresetMode | str | None = None) -> AutoresetMode:
    """Return the autoreset mode of an environment.

    Args:
        env: Says it in `metadata["autoreset_mode"]`.
        given: Its mode, where it does not say.

    Raises:
        UserError: It says none or an unknown one, or another one is given.
    """
    said = (env.metadata or {}).get("autoreset_mode")
    modes: dict[Any, AutoresetMode] = {
        name: mode for mode in AutoresetMode for name in (mode, mode.value, mode.name, mode.name.lower())
    }
    valid = ", ".join(mode.name.lower() for mode in AutoresetMode)
    for name in (said, given):
        if name is not None and name not in modes:
            raise UserError(f"autoreset mode {name!r} is unknown; valid: {valid}")
    if said is None and given is None:
        raise UserError(
            f'{env}: does not say in metadata["autoreset_mode"] how an ended episode begins again; give autoreset, '
            f"one of {valid}"
        )
    if said is not None and given is not None and modes[said] is not modes[given]:
        raise UserError(f"autoreset {modes[given].name.lower()}: {env} says {modes[said].name.lower()}")
    return modes[given if said is None else said]


class _SameStep(Stepper):
    def step(self, actions: Any) -> RawStep:  # noqa: ANN401 - the environment's own
        observation, reward, terminated, truncated, info = self._env.step(actions)
        ended = np.flatnonzero(terminated | truncated)
        finals = {int(row): self._final(info, int(row)) for row in ended}
        return RawStep(observation, finals, reward, terminated, truncated, None, info)

    def _final(self, info: dict[str, Any], row: int) -> Any:  # noqa: ANN401 - the environment's own
        for key in _FINAL_KEYS:
            if key in info and bool(np.asarray(info.get(f"_{key}", np.ones(self._env.num_envs, np.bool_)))[row]):
                found = info[key][row]
                if found is not None:
                    return found
        raise UserError(
            f"{self._env}: environment {row} ended an episode and began another in one step, and info has no "
            f"{_FINAL_KEYS[0]!r} of it: the value of its last state cannot be learned"
        )


class _NextStep(Stepper):
    def begin(self) -> None:
        self._pending = np.zeros(self._env.num_envs, np.bool_)

    def step(self, actions: Any) -> RawStep:  # noqa: ANN401 - the environment's own
        observation, reward, terminated, truncated, info = self._env.step(actions)
        skipped = self._pending if self._pending.any() else None
        if skipped is not None:
            reward, terminated = np.where(skipped, 0.0, reward), terminated & ~skipped
            truncated = truncated & ~skipped
        self._pending = terminated | truncated
        return RawStep(observation, {}, reward, terminated, truncated, skipped, info)

    def state_dict(self) -> dict[str, Any]:
        return {"pending": self._pending.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._pending = np.array(state["pending"])


class _Disabled(Stepper):
    def step(self, actions: Any) -> RawStep:  # noqa: ANN401 - the environment's own
        observation, reward, terminated, truncated, info = self._env.step(actions)
        ended = terminated | truncated
        if not ended.any():
            return RawStep(observation, {}, reward, terminated, truncated, None, info)
        finals = {int(row): np.array(observation[row]) for row in np.flatnonzero(ended)}
        flags = terminated.copy(), truncated.copy()
        begun, _ = self._env.reset(options={"reset_mask": ended})
        following = np.array(observation)
        following[ended] = np.asarray(begun)[ended]
        return RawStep(following, finals, reward, *flags, None, info)
