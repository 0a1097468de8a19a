"""What networks remember of the mirror images of episodes, carried from rollout to rollout.

The image of an episode is an episode of its own: its memory begins with zeros and sees mirrored rows. It is not the
mirror image of what is remembered of the episode, as the units of a memory have none.
"""

from typing import Any, Final

import torch

from sim2real.training.device import placed
from sim2real.training.memory import Memory, State, forgotten
from sim2real.training.rollout import Rollout
from sim2real.training.symmetry import Mirror


class MirroredMemory:
    """States of policy and value network in the images of the episodes that n environments are in.

    Args:
        mirror: Gives the images of rows.
        policy: Memory of the policy.
        value: Memory of the value network.
        environments: n
    """

    def __init__(self, mirror: Mirror, policy: Memory, value: Memory, environments: int) -> None:
        self._mirror: Final = mirror
        self._memories: Final = policy, value
        self._environments: Final = environments
        self.forget()

    def forget(self) -> None:
        """Begin new episodes in all environments."""
        policy, value = (memory.initial(self._environments) for memory in self._memories)
        self._states: tuple[State, State] = policy, value

    @torch.no_grad()
    def follow(self, rollout: Rollout) -> None:
        """Give a rollout the states before its first row, and keep those after its last one for the next rollout.

        Called before anything is learned from it: as those of the episodes, these states are of the weights that were
        there while it was collected.
        """
        rollout.image_states = self._states
        image, ended = self._mirror.rows(rollout.normalized[:-1]), rollout.ended
        rows = image[..., : rollout.observation.shape[-1]], image
        policy, value = (
            forgotten(tuple(part[-1] for part in memory(seen, state, ended)[1]), ended[-1])
            for memory, seen, state in zip(self._memories, rows, self._states, strict=True)
        )
        self._states = policy, value

    def state_dict(self) -> dict[str, Any]:
        """Return the states."""
        policy, value = ([part.clone() for part in state] for state in self._states)
        return {"policy": policy, "value": value}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Restore what `state_dict` returned."""
        policy, value = (tuple(placed(part) for part in state[name]) for name in ("policy", "value"))
        self._states = policy, value
