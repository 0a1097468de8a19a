"""A device without hardware, on which a learner shows whether it keeps its tensors together.

Its tensors say that they are on torch's device `meta`, and hold their numbers in a tensor beside them. As between a
processor and a GPU, an operation that gets tensors of both is refused, an array is not to be had of one without a copy,
and what is made without naming a device is on the processor. The arithmetic is the processor's: results are those of a
learner that stays there, bit for bit.
"""

from contextlib import contextmanager
from functools import partial
from unittest import mock

import torch
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_map_only

from sim2real.training import device

NAME = "meta"
_aten = torch.ops.aten
_COPIES = (_aten.copy_.default, _aten._foreach_copy_.default)  # between devices, as torch has it
_JOINS = (_aten.cat.default, _aten.stack.default)  # refuse also scalars of another device


class Elsewhere(torch.Tensor):
    """A tensor on the other device."""

    @staticmethod
    def __new__(cls, inside):
        self = torch.Tensor._make_wrapper_subclass(  # noqa: SLF001 - torch's way to make one
            cls,
            inside.size(),
            strides=inside.stride(),
            storage_offset=inside.storage_offset(),
            dtype=inside.dtype,
            device=NAME,
        )
        self.inside = inside
        return self

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        with torch._C.DisableTorchFunctionSubclass():  # noqa: SLF001 - as the base class does
            if function in (torch.Tensor.data_ptr, torch.Tensor.tolist):
                return function(args[0].inside)
            if function == torch.Tensor.is_meta.__get__:
                return False
            result = function(*args, **(kwargs or {}))
            if function == torch.Tensor.data.__set__:
                args[0].inside = args[1].inside
            return result

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return _run(function, args, kwargs or {})

    def __repr__(self, **_):
        return f"Elsewhere({self.inside})"


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return _run(function, args, kwargs or {})


def _run(function, args, kwargs):
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, torch.Tensor)]
    there = [value for value in tensors if isinstance(value, Elsewhere)]
    devices = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, torch.device)]
    to_there = any(one.type == NAME for one in devices) if devices else bool(there)
    if devices:
        args, kwargs = tree_map_only(torch.device, lambda _: device.CPU, (args, kwargs))
    elif there and function not in _COPIES:
        scalars = 0 if function in _JOINS else 1
        mixed = [value for value in tensors if not isinstance(value, Elsewhere) and value.dim() >= scalars]
        if mixed:
            raise RuntimeError(f"{function}: tensors of two devices, one on the processor is {mixed[0]}")
    owners = {id(value.inside): value for value in there}
    unwrapped = partial(tree_map_only, Elsewhere, lambda value: value.inside)
    result = function(*unwrapped(args), **unwrapped(kwargs))
    if there and torch.Tag.inplace_view in function.tags:
        with no_dispatch():  # the sizes of the tensor itself change, too
            function(*args, **kwargs)

    inputs = {id(value) for value in tensors} | owners.keys()

    def wrapped(value):
        if not isinstance(value, torch.Tensor):
            return value
        if devices and id(value) in inputs:
            value = value if to_there == (id(value) in owners) else value.clone()  # nothing is shared between devices
        return owners[id(value)] if to_there and id(value) in owners else Elsewhere(value) if to_there else value

    if function in _COPIES:
        return args[0]
    return tree_map(wrapped, result)


@contextmanager
def other_device():
    """Let learners that are made and run in this block be on the other device."""
    fused = ["cpu", NAME]
    with (
        mock.patch.object(device, "found", return_value=torch.device(NAME)),
        mock.patch("torch.optim.adam._get_fused_kernels_supported_devices", return_value=fused, create=True),
        mock.patch("torch.optim.optimizer._get_fused_kernels_supported_devices", return_value=fused, create=True),
        _Mode(),
        device.learning_on(NAME),
    ):
        yield


def inside(state):
    """Return a state with all tensors on the processor."""
    return tree_map_only(Elsewhere, lambda value: value.inside, state)
