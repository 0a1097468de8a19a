"""Rollout buffer: so many steps of every environment, preallocated and filled in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from sim2real.configs.errors import ConfigError
from sim2real.training import team
from sim2real.training.device import from_array, here, placed
from sim2real.training.environment_interface import Transition
from sim2real.training.memory import State

_ADVANTAGE_STD_MIN: Final = 1e-8


@dataclass(frozen=True)
class Minibatch:
    """Steps of a rollout: any of them, or, for networks with memory, whole sequences of some environments."""

    inputs: Tensor
    """Rows of the networks, (k, I); of sequences (T, m, I)."""
    columns: tuple[Tensor, ...]
    """What else was drawn, (k, …) each."""
    policy_state: State = ()
    """State of the policy before the sequences, (m, H) each."""
    value_state: State = ()
    """State of the value network before the sequences, (m, H) each."""
    ended: Tensor | None = None
    """Where episodes ended, (T, m); None for single rows."""
    kept: Tensor | None = None
    """Rows of sequences that are steps, (T·m,) bool; None for all."""
    image_states: tuple[State, State] = ((), ())
    """States of policy and value network before the mirror images of the sequences."""
    doubled: bool = False
    """Whether the images stand behind the sequences already: m is twice the number of environments."""
    share: float = 1.0
    """Share of its steps in those that all processes learn from at the same time."""

    def steps_of(self, outputs: Tensor) -> Tensor:
        """Return a network's outputs in the order of the columns: of sequences, (T, m, …) to (k, …)."""
        if self.ended is None:
            return outputs
        flat = [part.flatten(0, 1) for part in (outputs.chunk(2, dim=1) if self.doubled else (outputs,))]
        steps = flat if self.kept is None else [part[self.kept] for part in flat]
        return torch.cat(steps) if self.doubled else steps[0]


class Rollout:
    """T steps of n environments.

    `output` is the policy network's output, of which `action` was sampled: of discrete actions, scores, and the number
    of one of them.

    A row is the critic's input: O observation values and P privileged values, so that drawing a mini-batch is one
    gather. `raw` holds raw rows, `normalized` the networks' inputs, with T + 1 rows: the last one is the next input.
    The final rows of truncated episodes are stored separately, because the row after them is of the next episode.
    """

    def __init__(
        self,
        steps: int,
        environments: int,
        observation_size: int,
        action_size: int,
        privileged_size: int = 0,
        costs: int = 0,
        output_size: int | None = None,
    ) -> None:
        self.steps: Final = steps
        """Most steps of a rollout."""
        self.environments: Final = environments
        self._observation_size: Final = observation_size
        width = observation_size + privileged_size
        self._rows: Final = {
            "raw": torch.zeros(steps, environments, width, device=here()),
            "output": torch.zeros(steps, environments, output_size or action_size, device=here()),
            "action": torch.zeros(steps, environments, action_size, device=here()),
            "reward": torch.zeros(steps, environments, device=here()),
            "costs": torch.zeros(steps, environments, costs, device=here()),
            "terminated": torch.zeros(steps, environments, dtype=torch.bool, device=here()),
            "ended": torch.zeros(steps, environments, dtype=torch.bool, device=here()),
            "_skipped": torch.zeros(steps, environments, dtype=torch.bool, device=here()),
        }
        self._inputs: Final = torch.zeros(steps + 1, environments, width, device=here())
        self.cut(steps)
        self.policy_state: State = ()
        """State of the policy before the first row, (n, H) each; empty without memory."""
        self.value_state: State = ()
        """State of the value network before the first row, likewise."""
        self.image_states: tuple[State, State] = ((), ())
        """Both before the mirror image of the first row, where images are learned from."""
        self._skips = False
        self._final_rows: list[Tensor] = []
        self._final_raw: list[Tensor] = []

    def cut(self, taken: int) -> None:
        """Let the rollout have T = `taken` steps, the first ones of its memory."""
        self.taken = taken
        """T, the number of steps of this rollout."""
        views = {name: rows[:taken] for name, rows in self._rows.items()}
        self.raw, self.output, self.action = views["raw"], views["output"], views["action"]
        self.costs = views["costs"]
        """Costs of the steps, (T, n, C)."""
        self.reward, self.terminated, self.ended = views["reward"], views["terminated"], views["ended"]
        self._skipped = views["_skipped"]
        self.normalized = self._inputs[: taken + 1]
        self.observation = self.normalized[..., : self._observation_size]
        """The policy's input, (T + 1, n, O); a view."""

    def clear(self) -> None:
        """Drop the final rows of the last rollout; everything else is overwritten."""
        self.cut(self.steps)
        self._final_rows.clear()
        self._final_raw.clear()
        self._skipped.zero_()
        self._skips = False

    def record(self, step: int, transition: Transition) -> None:
        """Store the result of step `step`; the caller writes observations and actions."""
        terminated = torch.from_numpy(transition.terminated)
        truncated = torch.from_numpy(transition.truncated)
        self.reward[step].copy_(torch.from_numpy(transition.reward))
        self.terminated[step].copy_(terminated)
        self.ended[step].copy_(terminated | truncated)
        if transition.skipped is not None:
            self.skip(step, from_array(transition.skipped))
        rows = torch.nonzero(truncated & ~terminated).squeeze(-1)
        if rows.numel():
            self._final_rows.append(placed(rows + step * self.environments))
            finals = transition.final_observation, transition.final_privileged
            self._final_raw.append(placed(torch.cat([torch.from_numpy(final)[rows] for final in finals], dim=-1)))

    def skip(self, step: int, rows: Tensor) -> None:
        """Leave out rows of a step, (n,) bool: nothing is learned from them, nor carried past them."""
        self._skips = True
        self._skipped[step].logical_or_(rows)
        self.ended[step].logical_or_(rows)

    def steps_of(self, rows: Tensor) -> Tensor:
        """Return those of T·n rows that are steps of an episode: all of them, the very tensor, if none was skipped."""
        return rows[~self._skipped.flatten()] if self._skips else rows

    def final(self) -> tuple[Tensor, Tensor]:
        """Return the truncated steps, as indices into the flattened rollout, (T·n,), and their raw final rows."""
        if not self._final_rows:
            return torch.zeros(0, dtype=torch.int64, device=here()), self.raw.new_zeros(0, self.raw.shape[-1])
        return torch.cat(self._final_rows), torch.cat(self._final_raw)

    def minibatches(
        self, columns: Sequence[Tensor], count: int, generator: torch.Generator, *, sequences: bool
    ) -> Iterator[Minibatch]:
        """Yield the rollout once, in random order.

        Where several processes learn together, all draw one order of everybody's steps, and each has its own of them.

        Args:
            columns: What is drawn beside the networks' inputs, (T, n, …) each.
            count: Number of minibatches.
            generator: Random numbers of the order.
            sequences: Whether each has the whole sequences of some environments, as networks with memory need it.
        """
        if not sequences:
            drawn, *flat = (self.steps_of(column.flatten(0, 1)) for column in (self.normalized[:-1], *columns))
            own = self._own_rows(len(drawn), count, generator)
            order, sizes = torch.cat(own), [len(rows) for rows in own]
            # Gathered once: mini-batches are views.
            several = [torch.split(column[order], sizes) for column in (drawn, *flat)]
            for share, inputs, *rest in zip(_shares(sizes), *several, strict=True):
                yield Minibatch(inputs, tuple(rest), share=share)
            return
        chunks = placed(torch.randperm(self.environments * team.size(), generator=generator)).chunk(count)
        groups = [_own_environments(chunk, self.environments) for chunk in chunks]
        steps = [int((~self._skipped[:, chosen]).sum()) for chosen in groups]
        for chosen, share in zip(groups, _shares(steps), strict=True):
            policy_image, value_image = (tuple(part[chosen] for part in state) for state in self.image_states)
            kept = ~self._skipped[:, chosen].flatten() if self._skips else None
            flat = [column[:, chosen].flatten(0, 1) for column in columns]
            yield Minibatch(
                self.normalized[:-1, chosen],
                tuple(flat if kept is None else [column[kept] for column in flat]),
                tuple(part[chosen] for part in self.policy_state),
                tuple(part[chosen] for part in self.value_state),
                self.ended[:, chosen],
                kept,
                (policy_image, value_image),
                share=share,
            )

    def _own_rows(self, drawn: int, count: int, generator: torch.Generator) -> list[Tensor]:
        """Return the rows of each minibatch, as indices into the steps of this process."""
        if team.size() == 1:
            return list(placed(torch.randperm(drawn, generator=generator)).chunk(count))
        n, places = self.environments, (~self._skipped.flatten()).cumsum(0) - 1
        own = []
        for chunk in placed(torch.randperm(self.taken * n * team.size(), generator=generator)).chunk(count):
            step, environment = chunk // (n * team.size()), chunk % (n * team.size())
            mine = environment // n == team.rank()
            rows = step[mine] * n + environment[mine] % n
            own.append(places[rows[~self._skipped.flatten()[rows]]])
        return own


def _own_environments(chosen: Tensor, environments: int) -> Tensor:
    """Return those of all processes' environments that are of this one, by their numbers here."""
    return chosen[chosen // environments == team.rank()] % environments


def _shares(steps: list[int]) -> list[float]:
    """Return the share of this process in each minibatch of all processes, from its numbers of steps."""
    if team.size() == 1:
        return [1.0] * len(steps)
    counts = torch.tensor(steps, dtype=torch.float64)
    return (counts / team.summed(counts)).tolist()


def standardized(advantage: Tensor, rollout: Rollout) -> Tensor:
    """Return advantages, (T, n), with zero mean and unit deviation over the steps of a rollout."""
    taken = rollout.steps_of(advantage.flatten())
    if team.size() > 1:
        count = float(team.summed(torch.tensor(float(len(taken)))))
        mean = team.summed(taken.sum()) / count
        std = (team.summed((taken - mean).square().sum()) / (count - 1.0)).sqrt()
        return (advantage - mean) / (std + _ADVANTAGE_STD_MIN)
    return (advantage - taken.mean()) / (taken.std() + _ADVANTAGE_STD_MIN)


def check_minibatches(minibatches: int, rollout: Rollout, *, sequences: bool) -> None:
    """Refuse minibatches of one row, which has no spread, and, of sequences, more of them than environments.

    Raises:
        ConfigError: The message says what is valid.
    """
    steps, environments = rollout.steps, rollout.environments
    if sequences and minibatches > environments:
        raise ConfigError(
            f"algorithm.minibatches: {minibatches} of {environments} environments; with memory a minibatch has "
            f"whole environments; valid: 1 to {environments}"
        )
    rows = steps * environments
    if min(len(part) for part in torch.arange(rows).chunk(minibatches)) < 2:
        raise ConfigError(
            f"algorithm.minibatches: {minibatches} of a rollout of {rows} rows ({steps} "
            f"rollout_steps of {environments} environments) leave one row in a minibatch; valid: 2 rows and more in "
            "each"
        )
