"""A robot's task as what a run learns."""

from pathlib import Path
from typing import Any

from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.curriculum.make import curriculum_kind
from sim2real.runtime.contract.spec import contract_of
from sim2real.training import team
from sim2real.training.actor import Act
from sim2real.training.checkpoint import Checkpoint
from sim2real.training.environment_interface import Environment
from sim2real.training.evaluation import Evaluation, evaluate
from sim2real.training.export import ExportReport
from sim2real.training.failed_run import failure_of
from sim2real.training.kept_model import ModelRecord, as_kept_model, keep_model, located_model
from sim2real.training.kept_modules import as_kept, keep, located, recorded, texts_of
from sim2real.training.metrics_file import read_metrics
from sim2real.training.policy import Policy
from sim2real.training.privileged_batch import batch_kind
from sim2real.training.privileged_difference import privileged_difference
from sim2real.training.problem import Trained
from sim2real.training.provenance import provenance_of
from sim2real.training.run_folder import RunFolder
from sim2real.training.saved_experiment import saved_experiment
from sim2real.training.shared_curriculum import SharedCurriculum
from sim2real.training.task_export import export_of_task
from sim2real.training.trained_contract import changed_parts, trained_contract


def as_written(experiment: ExperimentConfig, model: ModelRecord | None) -> ExperimentConfig:
    """Return an experiment as a run writes it: with its own copies of the user's modules and model."""
    kept = as_kept(experiment)
    return kept if model is None else as_kept_model(kept, model)


class RobotProblem:
    """A task on our own batch.

    Args:
        experiment: With the recorded digests of its modules.
        model: Record of the robot's model, which the run keeps; None for a run from before runs kept it.
    """

    evaluates_apart = True

    def __init__(self, experiment: ExperimentConfig, model: ModelRecord | None) -> None:
        self.experiment, self.model = experiment, model
        self._contract = contract_of(experiment.task)

    @classmethod
    def begin(cls, experiment: ExperimentConfig, run: Path) -> "RobotProblem":
        """Return the problem of a new run, which keeps the modules and the model of the user. Raises UserError."""
        experiment = recorded(experiment)
        model = keep_model(run, experiment.task.robot)
        return cls(located_model(experiment, model, run), model)

    @classmethod
    def resume(cls, experiment: ExperimentConfig, checkpoint: Checkpoint, run: Path) -> "RobotProblem":
        """Return the problem of a run that has a checkpoint.

        Raises:
            UserError: Its contract, a module or its model is not what it was.
        """
        trained_contract(checkpoint, run)
        keep(run, checkpoint.modules)
        model = ModelRecord.of(checkpoint.model)
        return cls(located_model(located(experiment, run), model, run), model)

    @property
    def contract(self) -> str:
        """Canonical JSON of the robot's contract."""
        return self._contract.model_dump_json()

    @property
    def kept(self) -> dict[str, Any]:
        """Texts of the task's modules, and the record of the robot's model."""
        return {
            "modules": texts_of(self.experiment),
            "model": {} if self.model is None else self.model.document(),
        }

    def as_written(self) -> ExperimentConfig:
        """Return the experiment with the run's own copies of modules and model."""
        return as_written(self.experiment, self.model)

    def environment(self, diverged: Path) -> Environment:
        """Return the batch to train in."""
        experiment = self.experiment
        environments = team.share_of(experiment.environments)
        environment = batch_kind(experiment.privileged_policy)(
            experiment.training_task,
            experiment.randomization,
            environments,
            seed=experiment.seed,
            threads=experiment.threads,
            curriculum=experiment.curriculum,
            diverged=diverged,
            first=team.rank() * environments,
        )
        if team.size() > 1:
            parameters = environment.simulation.parameters
            parameters.curriculum = SharedCurriculum(parameters.curriculum)
        return environment

    def evaluate(self, act: Act, episodes: int, seed: int) -> Evaluation:
        """Play whole episodes of the task under the whole randomization."""
        experiment = self.experiment
        return evaluate(
            act,
            experiment.task,
            experiment.randomization,
            episodes,
            seed=seed,
            threads=experiment.threads,
            privileged=experiment.privileged_policy,
        )

    def failure_of(self, evaluation: Evaluation) -> str | None:
        """Return why nothing can have been learned, in one line, or None."""
        return failure_of(evaluation, self.experiment.task)

    def differs_from(self, checkpoint: Checkpoint, run: Path) -> list[str]:
        """Return the parts in which what another run's policy sees and does differs."""
        changed = changed_parts(trained_contract(checkpoint, run), self._contract)
        theirs = saved_experiment(checkpoint.experiment, run)
        return [*changed, *privileged_difference(theirs, self.experiment)]

    def export(self, policy: Policy, path: Path, evaluation: Evaluation, trained: Trained) -> ExportReport:
        """Write the policy with its contract, and with the ranges of its observations."""
        provenance = provenance_of(
            self.experiment,
            steps=trained.steps,
            iterations=trained.iterations,
            seconds=trained.seconds,
            model=self.model,
            origin=trained.origin,
            evaluation=evaluation,
        )
        return export_of_task(self.experiment, policy, path, provenance, evaluation)

    def draw(self, run: RunFolder) -> None:
        """Plot the curriculum, if it is a moving one."""
        if not curriculum_kind(self.experiment.curriculum).moves:
            return
        # Matplotlib takes 0.5 s to import, and most runs plot nothing.
        from sim2real.report.curriculum_figure import curriculum_figure

        curriculum_figure(read_metrics(run.metrics), self.experiment.randomization.parameters, run.curriculum)

    def close(self) -> None:
        """Do nothing: batches are freed with the object."""
