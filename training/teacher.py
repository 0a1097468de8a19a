"""A finished policy as the teacher of another: says what it would do in the states that the other one meets."""

import hashlib
from pathlib import Path
from typing import Any, Final

import numpy as np

from sim2real.configs.errors import UserError
from sim2real.configs.policy_reference import find_policy
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.runtime.contract.spec import Contract, contract_of
from sim2real.training.actor import Actor
from sim2real.training.demonstrations.contract_difference import contract_difference
from sim2real.training.environment_interface import Flags, Floats
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.policy_digest import policy_digest
from sim2real.training.saved_policy import load_saved_policy


class Teacher:
    """Actions of a finished policy, for n robots whose steps somebody else chooses.

    Args:
        actor: The policy; remembers each robot's episode if it has a memory.
        digest: Which policy it is.
    """

    def __init__(self, actor: Actor, digest: str) -> None:
        self._actor: Final = actor
        self.digest: Final = digest

    @classmethod
    def load(cls, reference: str, contract: Contract | None) -> "Teacher":
        """Return the teacher that a reference names.

        Args:
            reference: A shipped policy, a run, or an ONNX file.
            contract: What the student observes and does; None where it is for no robot.

        Raises:
            UserError: There is none, it cannot be read, or it observes or does something else than the student.
        """
        if contract is None:
            raise UserError(f"algorithm.teacher: {reference}: teaches a robot's task; what is learned is no robot's")
        path = find_policy(reference)
        saved = load_saved_policy(path)
        difference = contract_difference(contract_of(saved.experiment.task), contract)
        if difference is not None:
            raise UserError(f"algorithm.teacher: {reference}: has another contract: {difference}; valid: the same")
        return cls(saved.act, _digest(path))

    def __call__(self, observation: Floats) -> Floats:
        """Return what should be done, (n, A), within ±1; the teacher takes it for done in what it remembers."""
        return np.clip(self._actor(observation), -1.0, 1.0)

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


def _digest(path: Path) -> str:
    """Return the digest of a run's newest weights, or of a file."""
    if path.is_dir():
        return policy_digest(newest_checkpoint(path).policy)
    return hashlib.sha256(read_regular(path, POLICY_BYTES_MAX)).hexdigest()
