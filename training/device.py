"""The device that the learners of this process compute on, and the ways there and back.

Environments are stepped on the processor, and random numbers are drawn there: with a seed, networks begin with the same
weights and batches have the same rows on every device. Networks, rollouts and replay buffers are on the device.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sim2real.configs.errors import UserError

CPU: Final = torch.device("cpu")
_LOCAL_RANK: Final = "LOCAL_RANK"  # torchrun sets it

ModuleT = TypeVar("ModuleT", bound=nn.Module)

_device = CPU


def here() -> torch.device:
    """Return the device of this process' learners."""
    return _device


@contextmanager
def learning_on(name: str) -> Iterator[None]:
    """Let learners that are made in this block be on a device.

    Args:
        name: `cpu`, `cuda` or `cuda:N`. Of several processes on a machine, each has a GPU of its own under `cuda`.

    Raises:
        UserError: There is no such device, or its memory is full.
    """
    global _device  # noqa: PLW0603 - of the process, as torch's own default device
    before, _device = _device, found(name)
    if _device.type == "cuda":
        torch.cuda.set_device(_device)
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"device: {name}: its memory is full; valid: cpu, or smaller algorithm.buffer, environments or networks"
        ) from error
    finally:
        _device = before


def found(name: str) -> torch.device:
    """Return the device of a name, as of `learning_on`. Raises UserError if there is none."""
    if name == "cpu":
        return CPU
    if not re.fullmatch(r"cuda(:\d+)?", name):
        raise UserError(f"device: {name!r}; valid: cpu, cuda, cuda:N")
    if not torch.cuda.is_available():
        why = "this torch was built without CUDA" if torch.version.cuda is None else "torch finds no GPU"
        raise UserError(f"device: {name}: {why} ({torch.__version__}); valid: cpu")
    number, count = int(name.partition(":")[2] or os.environ.get(_LOCAL_RANK, "0")), torch.cuda.device_count()
    if number >= count:
        raise UserError(f"device: cuda:{number}: this machine has {count}; valid: cpu, cuda:0 to cuda:{count - 1}")
    return torch.device("cuda", number)


@overload
def placed(value: Tensor) -> Tensor: ...
@overload
def placed(value: ModuleT) -> ModuleT: ...
def placed(value: Tensor | nn.Module) -> Tensor | nn.Module:
    """Return a tensor on the device, the very tensor if it is there; a module is moved."""
    return value.to(_device)


def from_array(array: NDArray[Any]) -> Tensor:
    """Return an array as a tensor on the device; on the processor a view of it."""
    return torch.from_numpy(array).to(_device)


def to_array(tensor: Tensor) -> NDArray[np.float32]:
    """Return a tensor without gradient as an array; on the processor a view of it."""
    array: NDArray[np.float32] = tensor.cpu().numpy()
    return array
