"""A finished policy as the teacher of another: says what it would do in the states that the other one meets."""

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.policy_reference import find_policy
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.runtime.contract.spec import Contract, contract_of
from sim2real.simulation.simulation import Simulation
from sim2real.training.actor import Actor
from sim2real.training.demonstrations.contract_difference import contract_difference
from sim2real.training.environment_interface import Environment, Flags, Floats
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.policy_digest import policy_digest
from sim2real.training.privileged_difference import changed_privileged
from sim2real.training.saved_policy import load_saved_policy


class Teacher:
    """Actions of a finished policy, for n robots whose steps somebody else chooses.

    Args:
        actor: The policy; remembers each robot's episode if it has a memory.
        digest: Which policy it is.
        privileged: Whether it sees the privileged values after the observation, (n, O + P).
    """

    def __init__(self, actor: Actor, digest: str, *, privileged: bool = False) -> None:
        self._actor: Final = actor
        self._privileged: Final = privileged
        self.digest: Final = digest

    @classmethod
    def load(cls, reference: str, environment: Environment) -> "Teacher":
        """Return the teacher that a reference names.

        Args:
            reference: A shipped policy, a run, or an ONNX file; of a privileged policy its run.
            environment: What the student learns in, with the contract of a robot's task.

        Raises:
            UserError: There is none, it cannot be read, it observes or does something else than the student, or its
                privileged values are not those of the environment.
        """
        contract: Contract | None = getattr(environment, "contract", None)
        if contract is None:
            raise UserError(f"algorithm.teacher: {reference}: teaches a robot's task; what is learned is no robot's")
        path = find_policy(reference)
        saved = load_saved_policy(path)
        difference = contract_difference(contract_of(saved.experiment.task), contract)
        if difference is not None:
            raise UserError(f"algorithm.teacher: {reference}: has another contract: {difference}; valid: the same")
        if saved.experiment.privileged_policy:
            _check_privileged(reference, saved.experiment, environment)
        return cls(saved.act, _digest(path), privileged=saved.experiment.privileged_policy)

    def __call__(self, observation: Floats, privileged: Floats) -> Floats:
        """Return what should be done, (n, A), within ±1; the teacher takes it for done in what it remembers.

        Args:
            observation: What the student sees, (n, O).
            privileged: The privileged values beside it, (n, P).
        """
        seen = np.hstack((observation, privileged)) if self._privileged else observation
        return np.clip(self._actor(seen), -1.0, 1.0)

    def forget(self, ended: Flags | None = None) -> None:
        """Forget the episodes that ended, (n,); None for all."""
        self._actor.reset(ended)

    def state(self) -> dict[str, Any]:
        """Return its digest, and what it remembers."""
        remembered = None if self._actor.state is None else [part.copy() for part in self._actor.state]
        return {"sha256": self.digest, "remembered": remembered}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned. Raises UserError for that of another teacher."""
        if state["sha256"] != self.digest:
            raise UserError("algorithm.teacher: is another policy than when the run began; valid: the same")
        remembered = state["remembered"]
        self._actor.state = None if remembered is None else tuple(np.asarray(part) for part in remembered)


def _check_privileged(reference: str, theirs: ExperimentConfig, environment: Environment) -> None:
    """Refuse a teacher whose privileged values are not those of the environment."""
    ours = getattr(environment, "simulation", None)
    if not isinstance(ours, Simulation):
        raise UserError(f"algorithm.teacher: {reference}: sees privileged values; valid: with a task on our own batch")
    if changed := changed_privileged(theirs.task, theirs.randomization, ours.task, ours.randomization):
        raise UserError(
            f"algorithm.teacher: {reference}: sees privileged values, of another {', '.join(changed)}; "
            "valid: those that the student is trained with"
        )


def _digest(path: Path) -> str:
    """Return the digest of a run's newest weights, or of a file."""
    if path.is_dir():
        return policy_digest(newest_checkpoint(path).policy)
    return hashlib.sha256(read_regular(path, POLICY_BYTES_MAX)).hexdigest()
