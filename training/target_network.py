"""Target networks: slow copies of a network, whose values change little from one update to the next."""

from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn

NetworkT = TypeVar("NetworkT", bound=nn.Module)


def target_of(network: NetworkT) -> NetworkT:
    """Return a copy without gradients."""
    return deepcopy(network).requires_grad_(False)


@torch.no_grad()
def follow(target: nn.Module, network: nn.Module, share: float) -> None:
    """Move a target towards its network: θ' ← θ' + share·(θ − θ') (Polyak averaging; Lillicrap et al. 2016)."""
    torch._foreach_lerp_(list(target.parameters()), list(network.parameters()), share)
