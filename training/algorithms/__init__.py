"""Learning algorithms behind one interface, chosen by the `name` of the algorithm's configuration."""

from sim2real.configs.schema.algorithm import AlgorithmConfig
from sim2real.training.algorithms.interface import Algorithm
from sim2real.training.algorithms.ppo import Ppo
from sim2real.training.algorithms.sac import Sac
from sim2real.training.environment_interface import Environment


def make_algorithm(config: AlgorithmConfig, environment: Environment, seed: int) -> Algorithm:
    """Return a fresh learner; all its randomness comes from `seed`."""
    if config.name == "ppo":
        return Ppo(config, environment, seed)
    return Sac(config, environment, seed)
