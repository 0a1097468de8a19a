"""Sums of n rewards and costs: transitions over several control steps, exact where an episode ends."""

from typing import Any, Final

import numpy as np

from sim2real.training.environment_interface import Floats, Transition


class NStepTransitions:
    """Turns steps of N environments into transitions over n steps.

    A transition from s_t has the return R = Σ_{k<m} γᵏ·r_{t+k}, the successor s_{t+m}, and the discount of its value,
    γᵐ·(1 − terminated). Here m is n, or less where the episode ended before: at a terminal state the successor has no
    value; at a time limit it is the final observation of that episode, whose value is discounted by the steps taken.

    Args:
        n: Steps of a transition.
        discount: γ
        num_envs: N
        inputs: I, width of what a critic sees of a state.
        action_size: A
        costs: C, costs whose sums are kept behind the return.
    """

    def __init__(self, n: int, discount: float, num_envs: int, inputs: int, action_size: int, costs: int = 0) -> None:
        self._n: Final = n
        self._inputs: Final = inputs
        self._action_size: Final = action_size
        self._paid: Final = 1 + costs
        self._powers: Final = np.power(np.float32(discount), np.arange(n + 1), dtype=np.float32)
        # Slot k has what began k steps ago: I inputs, A actions, the sums so far; and whether there is one.
        self._begun: Floats = np.zeros((n, num_envs, inputs + action_size + 1 + costs), np.float32)
        self._open = np.zeros((n, num_envs), np.bool_)

    @property
    def row_size(self) -> int:
        """Numbers of a transition: state, action, return, costs, discount of the successor's value, successor."""
        return 2 * self._inputs + self._action_size + self._paid + 1

    def begin(self) -> None:
        """Forget the steps of episodes that are not gone on with."""
        self._open[:] = False

    def add(self, inputs: Floats, action: Floats, transition: Transition, costs: Floats | None = None) -> Floats:
        """Take a step of all environments; return the transitions that it completes.

        Args:
            inputs: What critics see, before the step, (N, I).
            action: Actions, (N, A).
            transition: Result of the step; skipped rows are none.
            costs: Its costs, (N, C); None without any.

        Returns:
            Rows of `row_size` numbers, the longest transitions first, by environment.
        """
        self._begun[1:] = self._begun[:-1].copy()
        self._open[1:] = self._open[:-1].copy()
        self._open[0] = True if transition.skipped is None else ~transition.skipped
        self._begun[0, :, : self._inputs] = inputs
        self._begun[0, :, self._inputs : -self._paid] = action
        self._begun[0, :, -self._paid :] = 0.0
        self._begun[:, :, -self._paid] += self._powers[:-1, None] * transition.reward
        if costs is not None:
            self._begun[:, :, 1 - self._paid :] += self._powers[:-1, None, None] * costs
        ended = transition.terminated | transition.truncated
        done = self._open & ended
        done[-1] |= self._open[-1]
        self._open &= ~done
        return self._rows(done, transition)

    def state(self) -> dict[str, Any]:
        """Return the steps whose transitions are not complete."""
        return {"begun": self._begun.copy(), "open": self._open.copy()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self._begun[:], self._open[:] = state["begun"], state["open"]

    def _rows(self, done: np.ndarray[Any, np.dtype[np.bool_]], transition: Transition) -> Floats:
        age, of = np.nonzero(done[::-1])
        age = self._n - 1 - age
        rows = np.empty((len(of), self.row_size), np.float32)
        head = self._inputs + self._action_size + self._paid
        rows[:, :head] = self._begun[age, of]
        rows[:, head] = self._powers[age + 1] * ~transition.terminated[of]
        seen = head + 1 + transition.final_observation.shape[1]
        rows[:, head + 1 : seen] = transition.final_observation[of]
        rows[:, seen:] = transition.final_privileged[of]
        return rows
