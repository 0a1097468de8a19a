"""Learning algorithms behind one interface, chosen by the `name` of the algorithm's configuration."""

from typing import TYPE_CHECKING

from sim2real.configs.errors import ConfigError
from sim2real.configs.plugins import PluginError
from sim2real.configs.schema.algorithm import ALGORITHMS, AlgorithmConfig
from sim2real.training.algorithms.kind import AlgorithmKind
from sim2real.training.environment_interface import budgets_of

if TYPE_CHECKING:
    from sim2real.training.algorithms.interface import Algorithm
    from sim2real.training.environment_interface import Environment


def algorithm_kind(config: AlgorithmConfig) -> AlgorithmKind:
    """Return the algorithm that a configuration is of.

    Raises:
        ConfigError: No installed package has it.
        PluginError: Its package is broken, or gives something else.
    """
    return ALGORITHMS.of(config.name, AlgorithmKind)


def make_algorithm(config: AlgorithmConfig, environment: "Environment", seed: int) -> "Algorithm":
    """Return a fresh learner; all its randomness comes from `seed`.

    Raises:
        ConfigError: No installed package has the algorithm, it cannot train the memory it is to have, it can do
            nothing with the environment's discrete actions or costs, or it does not learn on a GPU and is to.
        PluginError: Its package is broken, or what it makes is no learner, or its policy is not what it declares.
    """
    from sim2real.training import device, team  # torch: a configuration is read without it

    kind = algorithm_kind(config)
    if config.memory is not None and not kind.recurrent:
        raise ConfigError(f"algorithm.memory: {config.name!r} trains no policy with memory; valid: null")
    if team.size() > 1 and not kind.shared:
        raise ConfigError(
            f"algorithm.name: {config.name!r} learns in one process, not in {team.size()}; valid: "
            f"{', '.join(_with('shared'))}"
        )
    if getattr(environment, "choices", None) is not None and not kind.choosing:
        raise ConfigError(
            f"algorithm.name: {config.name!r} has continuous actions, and those of the environment are discrete; "
            f"valid: {', '.join(_with('choosing'))}"
        )
    if (costs := budgets_of(environment)) and not kind.constrained:
        raise ConfigError(
            f"algorithm.name: {config.name!r} keeps no cost to its budget, and the task has the costs "
            f"{', '.join(costs)}; valid: {', '.join(_with('constrained'))}, or a task without costs"
        )
    learner = ALGORITHMS.guarded(config.name, lambda: kind.make(config, environment, seed), "failed to make a learner")
    ALGORITHMS.check_made(config.name, learner, "policy", "start", "iterate", "state", "restore")
    if learner.policy.squash != kind.squashes(config):
        raise PluginError(
            f"algorithm {config.name!r} declares squashed={kind.squashes(config)}, and its policy has "
            f"squash={learner.policy.squash}: a checkpoint would be read back as another policy"
        )
    if learner.policy.device.type != device.here().type:
        raise ConfigError(f"algorithm.name: {config.name!r} learns on the processor alone; valid device: cpu")
    if (scaled := getattr(environment, "observation_scaled", None)) is not None:
        learner.policy.normalizer.leave(scaled)
    return learner


def _with(ability: str) -> list[str]:
    """Return the names of the algorithms that declare an ability."""
    return [name for name, part in ALGORITHMS.working()[0].items() if getattr(part, ability, False)]
