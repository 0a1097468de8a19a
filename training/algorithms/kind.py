"""What a package gives that brings an algorithm: one object, as an entry point of the group `sim2real.algorithms`.

The object is loaded to read a configuration, also where torch is not installed: `make` imports the learner.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim2real.configs.schema.algorithm import AlgorithmConfig

if TYPE_CHECKING:
    from sim2real.training.algorithms.interface import Algorithm
    from sim2real.training.environment_interface import Environment


@dataclass(frozen=True)
class AlgorithmKind:
    """An algorithm: its configuration, what its policy is like, and how a learner is made."""

    config: type[AlgorithmConfig]
    """Schema of the experiment's block, with `name: Literal[NAME]`, NAME being that of the entry point."""
    squashed: bool | None
    """Whether the policy applies tanh to the mean of its actions; otherwise the contract's clip bounds them. None: its
    configuration says, in a key `squash`."""
    make: "Callable[[Any, Environment, int], Algorithm]"
    """Makes a fresh learner from its configuration, its environment and a seed, from which all its randomness comes."""
    recurrent: bool = False
    """Whether its learner trains a policy with memory; otherwise an experiment with one is refused."""
    shared: bool = False
    """Whether several processes can learn one policy with it; otherwise torchrun with more than one is refused."""
    constrained: bool = False
    """Whether its learner keeps a task's costs to their budgets; otherwise a task with costs is refused."""
    choosing: bool = False
    """Whether its learner can choose among given actions; otherwise an environment with discrete ones is refused."""

    def squashes(self, config: AlgorithmConfig) -> bool:
        """Return whether the policy of a configuration applies tanh to the mean of its actions."""
        return bool(getattr(config, "squash", False)) if self.squashed is None else self.squashed
