"""The policy with the highest return of the evaluations during a run, kept beside the newest."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from sim2real.configs.command_outcome import error_console
from sim2real.configs.errors import UserError
from sim2real.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from sim2real.training.evaluation import Evaluation
from sim2real.training.policy import Policy
from sim2real.training.problem import Problem, Trained
from sim2real.training.run_folder import RunFolder


@dataclass(frozen=True)
class BestReport:
    """The best policy of a run."""

    path: Path
    """The exported policy."""
    return_mean: float
    """Its mean return in the evaluation that chose it: of several tries the luckiest, so higher than a new one."""
    steps: int
    """Control steps after which it was evaluated."""


class BestPolicy:
    """Keeps the best policy of a run in its folder.

    Args:
        run: The folder.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self.figures: dict[str, float] = {}
        """`return` and `steps` of the best so far; empty before the first evaluation."""

    def restore(self, figures: dict[str, float]) -> None:
        """Go on from the figures of a checkpoint. A best policy that cannot be read is forgotten, with a warning."""
        self.figures = dict(figures)
        if not figures:
            return
        try:
            load_checkpoint(self._run.best_checkpoint)
        except UserError as error:
            self.figures = {}
            error_console().print(f"warning: {error}; the best policy is chosen from here on", markup=False)

    def offer(self, evaluation: Evaluation, checkpoint: Checkpoint) -> None:
        """Keep a policy if its return is the highest so far; of equal ones the first. Raises UserError."""
        if self.figures and not evaluation.return_mean > self.figures["return"]:
            return
        self.figures = {"return": evaluation.return_mean, "steps": float(checkpoint.steps)}
        save_checkpoint(checkpoint, self._run.best_checkpoint)

    def export(self, problem: Problem, policy: Policy, evaluation: Evaluation) -> BestReport | None:
        """Export the best policy beside the last; None if there was no evaluation.

        Args:
            problem: What was learned.
            policy: One of the same shape; not changed.
            evaluation: Source of observations for the proof of parity.
        """
        if not self.figures:
            return None
        checkpoint = load_checkpoint(self._run.best_checkpoint)
        best = deepcopy(policy)
        best.load_state_dict(checkpoint.policy)
        trained = Trained(checkpoint.steps, checkpoint.iteration, checkpoint.seconds, checkpoint.origin)
        problem.export(best, self._run.best_policy, evaluation, trained)
        return BestReport(self._run.best_policy, self.figures["return"], checkpoint.steps)
