"""Discrete actions: the few actions that a learner of choices picks from."""

import itertools
from typing import Final

import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.training.environment_interface import Environment, Floats

CHOICES_MAX: Final = 1024
"""Bound of the actions to choose from: levels multiply with every joint."""


def given_choices(environment: Environment) -> Floats | None:
    """Return the only actions that an environment takes, (K, A); None if it takes any within ±1."""
    choices: Floats | None = getattr(environment, "choices", None)
    return choices


def choices_of(environment: Environment, levels: int) -> Floats:
    """Return the actions to choose from, (K, A): those of the environment, or a grid over ±1.

    Args:
        environment: The environment.
        levels: Values of each action in the grid, evenly spaced from −1 to 1.

    Raises:
        ConfigError: The grid has more than `CHOICES_MAX` actions.
    """
    given = given_choices(environment)
    if given is not None:
        return given
    size = environment.action_size
    if levels**size > CHOICES_MAX:
        raise ConfigError(
            f"algorithm.action_levels: {levels} levels of {size} actions are {levels**size} choices, more than "
            f"{CHOICES_MAX}; valid: fewer levels, or an algorithm with continuous actions"
        )
    return np.array(list(itertools.product(np.linspace(-1.0, 1.0, levels), repeat=size)), np.float32)
