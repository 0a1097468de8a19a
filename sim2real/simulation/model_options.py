"""Options of a simulation's model, from the readings its task observes and the parameters its randomisation draws."""

from typing import Final

import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.model.model import GROUPS_OF_KIND, ModelOptions
from sim2real.model.terrain import Terrain
from sim2real.randomization.parameter import find_parameter
from sim2real.runtime.contract.observation_term import find_term
from sim2real.task.requirements import Requirements

_TERRAIN_LEVELS: Final = 6


def observed_groups(task: TaskConfig) -> tuple[str, ...]:
    """Return the groups of readings that a task observes."""
    return tuple(sorted({group for entry in task.observation for group in find_term(entry.term).readings}))


def ineffective_parameters(task: TaskConfig, randomization: RandomizationConfig) -> tuple[str, ...]:
    """Return the parameters without effect: they change only readings that the task does not observe."""
    observed = set(observed_groups(task))
    changed = {entry.parameter: find_parameter(entry.parameter).readings for entry in randomization.parameters}
    return tuple(name for name, groups in changed.items() if groups and not observed & set(groups))


def hidden_parameters(task: TaskConfig, randomization: RandomizationConfig) -> tuple[str, ...]:
    """Return the randomised parameters that no observation of the task shows: errors that look like the truth."""
    observed = set(observed_groups(task))
    shown = {entry.parameter: find_parameter(entry.parameter).shown_by for entry in randomization.parameters}
    return tuple(name for name, groups in shown.items() if groups is not None and not observed & set(groups))


def terrain_of(randomization: RandomizationConfig) -> Terrain | None:
    """Return the rough ground of a randomisation, or None for flat ground."""
    entry = randomization.entry("terrain_roughness")
    if entry is None:
        return None
    low, high = entry.hard_limits
    return Terrain.of(np.unique(np.linspace(low, high, _TERRAIN_LEVELS)))


def model_options(
    randomization: RandomizationConfig, groups: tuple[str, ...], needs: Requirements, terrain: Terrain | None
) -> ModelOptions:
    """Return the model options that a randomisation and a task need.

    Args:
        randomization: Hard limits give the longest delays; payloads and backlash add bodies and joints.
        groups: Observed groups of readings.
        needs: True states that the task's terms need.
        terrain: Rough ground, if any.

    Raises:
        ConfigError: `payload` without `elements`.
    """

    def longest(name: str) -> float:
        entry = next((entry for entry in randomization.parameters if entry.parameter == name), None)
        return entry.hard_limits[1] if entry is not None else 0.0

    kind = {group: kind for kind, of_kind in GROUPS_OF_KIND.items() for group in of_kind}
    bodies = [
        name for entry in randomization.parameters if entry.parameter == "payload" for name in entry.elements or ()
    ]
    if any(entry.parameter == "payload" and entry.elements is None for entry in randomization.parameters):
        raise ConfigError(f"randomization {randomization.name!r}: payload needs `elements`, the bodies that carry it")
    return ModelOptions(
        groups=groups,
        action_delay=longest("action_latency"),
        delay={group: longest(f"{kind[group]}_latency") for group in groups},
        polled=tuple(group for group in groups if longest(f"{kind[group]}_interval") > 0.0),
        backlash=randomization.entry("backlash") is not None,
        payloads=tuple(bodies),
        terrain=terrain,
        true_feet="feet" in needs.needs,
        true_tip="tip" in needs.needs,
        true_contact="contact" in needs.needs,
    )
