"""Learning algorithms behind one interface, chosen by the `name` of the algorithm's configuration."""

from configs.schema.algorithm import AlgorithmConfig
from training.algorithms.interface import Algorithm
from training.algorithms.ppo import Ppo
from training.algorithms.sac import Sac
from training.environment import Environment


def make_algorithm(config: AlgorithmConfig, environment: Environment, seed: int) -> Algorithm:
    """Return a fresh learner; all its randomness comes from `seed`."""
    if config.name == "ppo":
        return Ppo(config, environment, seed)
    return Sac(config, environment, seed)
