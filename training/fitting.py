"""Takes over modules of another run where their shapes are the same."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from sim2real.training.memory import grown


def take_fitting(modules: Mapping[str, nn.Module], state: Mapping[str, Any]) -> tuple[str, ...]:
    """Load modules that belong together if the saved tensors of all have the same shapes; return their names.

    A network with memory takes the weights of one without.

    Args:
        modules: The modules by name.
        state: Saved states by name.
    """
    states = {name: grown(module, state.get(name, {})) for name, module in modules.items()}
    for name, module in modules.items():
        own, saved = module.state_dict(), states[name]
        if own.keys() != saved.keys() or any(own[key].shape != saved[key].shape for key in own):
            return ()
    for name, module in modules.items():
        module.load_state_dict(states[name])
    return tuple(modules)
