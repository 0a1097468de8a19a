"""Takes over modules of another run where their shapes are the same."""

from collections.abc import Mapping
from typing import Any

from torch import nn


def take_fitting(modules: Mapping[str, nn.Module], state: Mapping[str, Any]) -> tuple[str, ...]:
    """Load modules that belong together if the saved tensors of all have the same shapes; return their names.

    Args:
        modules: The modules by name.
        state: Saved states by name.
    """
    for name, module in modules.items():
        own, saved = module.state_dict(), state.get(name, {})
        if own.keys() != saved.keys() or any(own[key].shape != saved[key].shape for key in own):
            return ()
    for name, module in modules.items():
        module.load_state_dict(state[name])
    return tuple(modules)
