"""Another algorithm for an experiment, by its name alone: the policy keeps its network."""

import json

from sim2real.configs.schema.algorithm import ALGORITHMS, AlgorithmConfig
from sim2real.training.algorithms import algorithm_kind

_NETWORK = ("hidden", "activation", "memory", "normalizer_half_life")


def algorithm_override(own: AlgorithmConfig, name: str) -> str:
    """Return the override that gives an experiment another algorithm.

    It has the network of the experiment's own, so that either may begin from the policy of the other; all else is the
    algorithm's default. An algorithm whose `squash` is a setting applies tanh where the experiment's own does.

    Args:
        own: The experiment's algorithm.
        name: Name of the other; with its own name nothing changes.

    Raises:
        ConfigError: No installed package has it.
    """
    if name == own.name:
        return f"algorithm.name={name}"
    block = {"name": name} | {key: getattr(own, key) for key in _NETWORK if key != "memory"}
    block["memory"] = None if own.memory is None else own.memory.model_dump()
    if "squash" in ALGORITHMS[name].config.model_fields:
        block["squash"] = algorithm_kind(own).squashes(own)
    return f"algorithm={json.dumps(block)}"
