"""Values, advantages and value targets of rollouts, with what the value network remembers of the episodes."""

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Final

import torch
from torch import Tensor

from sim2real.training.advantages import Estimator
from sim2real.training.device import placed
from sim2real.training.memory import State, forgotten
from sim2real.training.networks import ValueNetwork
from sim2real.training.rollout import Rollout
from sim2real.training.row_normalizer import RowNormalizer
from sim2real.training.value_scale import ValueScale


class ValueFunction:
    """V(s) in units of reward, for rollouts that follow one another.

    Args:
        network: The value network.
        scale: Scale of its outputs; None if they are in units of reward.
        normalizer: Normalises final rows as the rollout's rows were.
        environments: n
        thread: A second thread, which computes one half of the environments.
    """

    def __init__(
        self,
        network: ValueNetwork,
        scale: ValueScale | None,
        normalizer: RowNormalizer,
        environments: int,
        thread: Executor,
    ) -> None:
        self._network: Final = network
        self._scale: Final = scale
        self._normalizer: Final = normalizer
        self._thread: Final = thread
        self._state: State = network.memory.initial(environments)

    def begin(self, rollout: Rollout) -> None:
        """Give a new rollout the state before its first row."""
        rollout.value_state = self._state

    @torch.no_grad()
    def targets(
        self, rollout: Rollout, estimator: Estimator, *, first: bool = False, paid: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return advantages and value targets of a rollout, (T, n) each, with the current network.

        The true successor of a truncated step is valued with what the network remembered at that step.

        Args:
            rollout: The rollout.
            estimator: Estimates the advantages.
            first: Whether this is the rollout's first time: the scale takes in its targets, and the state after the
                last step is kept for the next rollout, of the weights that were there while this one was collected.
            paid: What is valued, (T, n); the rewards by default.
        """
        before_first = rollout.value_state if self._network.memory.recurrent else ()
        ended = torch.cat((rollout.ended, torch.zeros_like(rollout.ended[:1])))
        value, states = self.values(rollout.normalized, before_first, ended)
        rows, final = rollout.final()
        next_value = value[1:].clone()
        before = tuple(part.flatten(0, 1)[rows] for part in states)
        remembered, _ = self._network.memory.step(self._normalizer(final), before)
        halves = remembered.tensor_split(2)
        next_value.view(-1)[rows] = self._in_reward(
            torch.cat(self._both(self._network.value, *zip(halves, strict=True)))
        )
        reward = rollout.reward if paid is None else paid
        advantage = estimator(reward, value[:-1], next_value, rollout.terminated, rollout.ended)
        target = advantage + value[:-1]
        if first:
            self._state = forgotten(tuple(part[-2] for part in states), rollout.ended[-1])
            if self._scale is not None:
                self._scale.update(rollout.steps_of(target.flatten()), self._network.head)
        return advantage, target

    def values(self, rows: Tensor, state: State = (), ended: Tensor | None = None) -> tuple[Tensor, State]:
        """Return values in units of reward, (T, n), and states after each row; two threads compute half each.

        Args:
            rows: Normalised rows, (T, n, O + P).
            state: State before the first row, (n, H) each.
            ended: Where episodes ended, (T, n).
        """
        shape = rows.shape[:2]
        if not state:  # any rows, in equal halves
            rows, ended = rows.flatten(0, 1).unsqueeze(0), None
        middle = rows.shape[1] // 2
        halves = slice(None, middle), slice(middle, None)
        arguments = [
            (rows[:, half].contiguous(), tuple(part[half] for part in state), None if ended is None else ended[:, half])
            for half in halves
        ]
        results = self._both(self._network, *arguments)
        states = tuple(torch.cat(parts, dim=1) for parts in zip(*(result[1] for result in results), strict=True))
        return self._in_reward(torch.cat([result[0] for result in results], dim=1)).view(shape), states

    def outputs(self, value: Tensor) -> Tensor:
        """Return the network's outputs that stand for values in units of reward."""
        return value if self._scale is None else self._scale.normalized(value)

    def state(self) -> dict[str, Any]:
        """Return what the network remembers, beside its weights."""
        return {"value_state": [part.clone() for part in self._state]} if self._state else {}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self._state = tuple(placed(part.clone()) for part in state.get("value_state", ()))

    def _both(self, function: Callable[..., Any], first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, Any]:
        """Return what a function gives for two sets of arguments, computed on two threads."""
        rest = self._thread.submit(_without_gradient, function, *second)
        return _without_gradient(function, *first), rest.result()

    def _in_reward(self, output: Tensor) -> Tensor:
        return output if self._scale is None else self._scale.denormalized(output)


@torch.no_grad()
def _without_gradient(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - what the function takes and gives
    """Call a function; `no_grad` is per thread, so it is set here."""
    return function(*arguments)


def explained_variance(value: Tensor, target: Tensor) -> float:
    """Return 1 − Var(target − value) / Var(target): 1 for exact values, 0 for values no better than the mean target."""
    spread = target.var()
    return float(1.0 - (target - value).var() / spread) if spread > 0 else 0.0


def rollout_fit(advantage: Tensor, target: Tensor, rollout: Rollout) -> float:
    """Return the explained variance of a rollout's targets, (T, n), by the values that they were estimated with."""
    taken, goals = (rollout.steps_of(rows.flatten()) for rows in (advantage, target))
    return explained_variance(goals - taken, goals)
