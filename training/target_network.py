"""Target networks: slow copies of a network, whose values change little from one update to the next."""

from copy import deepcopy
from typing import Final, Generic, TypeVar

from torch import Tensor, nn

from sim2real.training.flat_adam import flattened

NetworkT = TypeVar("NetworkT", bound=nn.Module)


class Target(Generic[NetworkT]):
    """A copy of a network without gradients that follows it.

    Args:
        network: The network.
    """

    def __init__(self, network: NetworkT) -> None:
        self.network: Final = deepcopy(network).requires_grad_(False)
        """The copy."""
        self._block: Final = flattened(self.network.parameters())

    def follow(self, block: Tensor, share: float) -> None:
        """Move towards the network: θ' ← θ' + share·(θ − θ') (Polyak averaging; Lillicrap et al. 2016).

        Args:
            block: θ, all parameters of the network in their order, (N,).
            share: From 0 to 1.
        """
        self._block.lerp_(block, share)
