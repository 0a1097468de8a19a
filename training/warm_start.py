"""Begins a new run from the policy of another: with another curriculum, another task, other rewards."""

from pathlib import Path

import torch
from torch import Tensor

from sim2real.configs.errors import UserError
from sim2real.training.algorithms import algorithm_kind
from sim2real.training.algorithms.interface import Algorithm, WarmStart
from sim2real.training.memory import grown
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.policy_digest import policy_digest
from sim2real.training.problem import Problem
from sim2real.training.saved_experiment import saved_training


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
    theirs = saved_training(checkpoint.experiment, run).algorithm
    ours = problem.experiment.algorithm
    differ = problem.differs_from(checkpoint, run)
    differ += [f"algorithm.{name}" for name in ("hidden", "activation") if getattr(theirs, name) != getattr(ours, name)]
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


def _same_choices(ours: Tensor | None, theirs: Tensor | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return torch.equal(ours, theirs)
