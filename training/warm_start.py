"""Begins a new run from the policy of another: with another curriculum, another task, other rewards."""

from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from sim2real.configs.errors import UserError
from sim2real.configs.schema.algorithm import AlgorithmConfig
from sim2real.configs.schema.gymnasium import GymnasiumConfig
from sim2real.configs.schema.training import TrainingConfig
from sim2real.training.algorithms import algorithm_kind
from sim2real.training.algorithms.interface import Algorithm, WarmStart
from sim2real.training.memory import grown
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.policy_digest import policy_digest
from sim2real.training.problem import Problem
from sim2real.training.saved_experiment import environment_name, saved_training

_NETWORK: Final = ("hidden", "activation")


def take_over(algorithm: Algorithm, problem: Problem, run: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Give a fresh learner the policy of a run, with its normaliser, and what else of its learner fits.

    Optimizers, counters, random numbers and the environment begin anew. A policy with memory may begin from one
    without: its memory begins anew, and at first changes nothing.

    Args:
        algorithm: The fresh learner.
        problem: What it is to learn.
        run: Folder of the run that has the policy.

    Returns:
        Where the policy comes from, for the checkpoint, and the names of what was taken over.

    Raises:
        UserError: There is no such run, or its policy observes or acts otherwise, or has another network.
    """
    checkpoint = newest_checkpoint(run)
    training = saved_training(checkpoint.experiment, run)
    if type(training) is not type(problem.experiment):
        raise UserError(f"--init-from {run}: its policy is {_purpose(training)}; valid: a run of the same kind")
    theirs, ours = training.algorithm, problem.experiment.algorithm
    differ = problem.differs_from(checkpoint, run)
    differ += [_difference(name, theirs, ours) for name in _NETWORK if getattr(theirs, name) != getattr(ours, name)]
    if algorithm_kind(theirs).squashes(theirs) != algorithm_kind(ours).squashes(ours):
        differ.append("algorithm.name (one of the two applies tanh to its actions, the other does not)")
    if theirs.memory is not None and theirs.memory != ours.memory:
        differ.append("algorithm.memory")
    if not _same_choices(algorithm.policy.choices, checkpoint.policy.get("choices")):
        differ.append("choice of actions")
    if differ:
        raise UserError(f"--init-from {run}: its policy has another {', '.join(differ)}; valid: the same")
    algorithm.policy.load_state_dict(grown(algorithm.policy, checkpoint.policy))
    taken: tuple[str, ...] = ()
    if theirs.name == ours.name and isinstance(algorithm, WarmStart):
        taken = algorithm.warm_start(checkpoint.algorithm)
    origin = {
        "init_from": str(run),
        "init_from_steps": str(checkpoint.steps),
        "init_from_sha256": policy_digest(checkpoint.policy),
    }
    return origin, ("policy", *taken)


def _purpose(training: TrainingConfig) -> str:
    if isinstance(training, GymnasiumConfig):
        return f"for the environment {environment_name(training)}, and for no robot"
    return "for a robot's task, and for no environment of Gymnasium's"


def _difference(name: str, theirs: AlgorithmConfig, ours: AlgorithmConfig) -> str:
    there, here = (getattr(each, name) for each in (theirs, ours))
    if isinstance(there, tuple):
        there, here = list(there), list(here)  # as a YAML says it
    return f"algorithm.{name} (there {there}, here {here})"


def _same_choices(ours: Tensor | None, theirs: Tensor | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return torch.equal(ours, theirs)
