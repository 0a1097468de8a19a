"""Finds numbers that are not finite, and names where they are."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sim2real.configs.errors import NonFiniteError

_LISTED_MAX: Final = 3  # places in a message; the first ones say enough


def all_finite(*arrays: NDArray[Any]) -> bool:
    """Return whether every number is finite: one sum an array, which nothing but NaN, ±inf and overflow makes so."""
    with np.errstate(all="ignore"):
        return all(math.isfinite(array.sum()) or bool(np.isfinite(array).all()) for array in arrays)


def bad_places(array: NDArray[Any]) -> tuple[str, list[tuple[int, ...]]]:
    """Return `nan` or `inf`, whichever is there first, and the indices of the first such entries; none if finite."""
    bad = np.argwhere(~np.isfinite(array))
    places = [tuple(map(int, place)) for place in bad[:_LISTED_MAX]]
    return (str(float(array[places[0]])) if places else ""), places


def tensors_of(value: object, name: str) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors in a module, an optimizer, a parameter, or in mappings and sequences of them, by dotted names.

    Arrays are seen as tensors; nothing is copied. Anything else, plain numbers too, holds none.
    """
    if isinstance(value, nn.Module):
        yield from tensors_of({**dict(value.named_parameters()), **dict(value.named_buffers())}, name)
    elif isinstance(value, torch.optim.Optimizer):
        yield from tensors_of(dict(enumerate(value.state.values())), f"{name}.state")
    elif isinstance(value, Tensor):
        yield name, value.detach()
    elif isinstance(value, np.ndarray) and value.dtype.kind == "f":
        yield name, torch.from_numpy(value)
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from tensors_of(entry, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            yield from tensors_of(entry, f"{name}.{index}")


def require_finite(tensors: Mapping[str, Tensor]) -> None:
    """Refuse tensors with a number that is not finite.

    Raises:
        NonFiniteError: The message names the first such tensor, and how many of its numbers are not finite.
    """
    real = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point() and tensor.numel()}
    if not real or math.isfinite(_sum(list(real.values()))):  # nearly always: a single number is read back
        return
    for name, tensor in real.items():
        finite = torch.isfinite(tensor)
        if not bool(finite.all()):
            first = tensor[~finite][0] if tensor.dim() else tensor
            count = int((~finite).sum())
            raise NonFiniteError(f"{name} is {float(first)} in {count} of {tensor.numel()} numbers")


def _sum(tensors: list[Tensor]) -> float:
    """Return the sum of all numbers in double precision."""
    return float(torch.stack([tensor.sum(dtype=torch.float64).cpu() for tensor in tensors]).sum())
