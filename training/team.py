"""Processes that learn one policy together, as torchrun starts them: what is summed, gathered and agreed between them.

Alone, every function returns what it is given, bit for bit. All ranks have to call the same functions in the same
order; a rank that ends early ends the others, with a `UserError` that says so.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.distributed.rendezvous import rendezvous

from sim2real.configs.errors import ConfigError, UserError
from sim2real.training.meeting import meet

ValueT = TypeVar("ValueT")

_SIZE: Final = "WORLD_SIZE"
_RESTARTS: Final = "TORCHELASTIC_RESTART_COUNT"


def speaks() -> bool:
    """Return whether this process says what concerns all of them; also before they have joined."""
    return os.environ.get("RANK", "0") == "0"


def join() -> None:
    """Join the other processes, if torchrun started several."""
    if int(os.environ.get(_SIZE, "1")) > 1 and not distributed.is_initialized():
        store, number, count = next(rendezvous("env://"))
        distributed.init_process_group(_backend(), store=meet(store, number, count), rank=number, world_size=count)


def _backend() -> str:
    """Return what carries messages: NCCL what is on GPUs, where there are any, and gloo all else."""
    return "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and distributed.is_nccl_available() else "gloo"


def leave() -> None:
    """Leave the other processes: from here on this one is alone."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def size() -> int:
    """Return how many processes there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """Return the number of this process; 0 writes and evaluates."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def restarted() -> bool:
    """Return whether torchrun started these processes again, after one of them had failed.

    All agree: of several machines, torchrun counts a restart where the failed process was.
    """
    return any_of(int(os.environ.get(_RESTARTS, "0")) > 0)


@contextmanager
def _exchange() -> Iterator[None]:
    """Say in one line that an exchange failed, which it does when another process is gone."""
    try:
        yield
    except RuntimeError as error:  # torch's, of gloo and of its store
        raise UserError(
            f"process {rank()} of {size()} has lost the others: one of them ended, which says why, or was killed; "
            "--resume under torchrun with as many processes goes on from the newest checkpoint that all have, as "
            "--max-restarts does by itself"
        ) from error


def share_of(environments: int) -> int:
    """Return how many environments each process has. Raises ConfigError if they cannot be shared out."""
    if environments % size():
        raise ConfigError(f"environments: {environments} for {size()} processes; valid: a multiple of {size()}")
    return environments // size()


def own(values: Tensor, dim: int) -> Tensor:
    """Return this process' part of values of all environments."""
    return values.chunk(size(), dim)[rank()] if size() > 1 else values


def summed(values: Tensor) -> Tensor:
    """Return the sum over all processes."""
    if size() > 1:
        values = values.detach().clone()
        with _exchange():
            distributed.all_reduce(values)
    return values


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace gradients by their sums over all processes, in one message; a process without one counts as zero."""
    if size() == 1:
        return
    several = list(parameters)
    parts = [torch.zeros_like(each) if each.grad is None else each.grad for each in several]
    whole = summed(torch.cat([part.reshape(-1) for part in parts]))
    sums = torch.split(whole, [part.numel() for part in parts])
    for parameter, part in zip(several, sums, strict=True):
        parameter.grad = part.view_as(parameter)


def least(count: int) -> int:
    """Return the smallest count of all processes."""
    if size() == 1:
        return count
    box = torch.tensor(count)
    with _exchange():
        distributed.all_reduce(box, distributed.ReduceOp.MIN)
    return int(box)


def any_of(flag: bool) -> bool:
    """Return whether a flag is set in any process."""
    return bool(summed(torch.tensor(float(flag)))) if size() > 1 else flag


def first_of(value: ValueT) -> ValueT:
    """Return the value of the first process."""
    if size() == 1:
        return value
    box: list[Any] = [value]
    with _exchange():
        distributed.broadcast_object_list(box, src=0)
    first: ValueT = box[0]
    return first


def gathered(value: ValueT) -> list[ValueT]:
    """Return the values of all processes, by rank."""
    if size() == 1:
        return [value]
    box: list[Any] = [None] * size()
    with _exchange():
        distributed.all_gather_object(box, value)
    return box
