"""Training loop of a run: metrics, checkpoints, final evaluation and export."""

import time
from copy import deepcopy
from pathlib import Path
from typing import Final

import torch

from sim2real.configs.command_outcome import error_console
from sim2real.configs.errors import NonFiniteError, UserError
from sim2real.configs.load import dump
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.curriculum.make import curriculum_kind
from sim2real.envs.batch_env import BatchEnv
from sim2real.runtime.contract.spec import contract_of
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.interface import Algorithm, Metrics
from sim2real.training.checkpoint import Checkpoint, save_checkpoint
from sim2real.training.environment_interface import Environment
from sim2real.training.evaluation import evaluate
from sim2real.training.export import export_policy
from sim2real.training.failed_run import failure_of
from sim2real.training.interrupt import Interrupt
from sim2real.training.kept_model import ModelRecord, as_kept_model
from sim2real.training.kept_modules import as_kept, texts_of
from sim2real.training.learner_watch import LearnerWatch
from sim2real.training.metrics_log import MetricsLog, read_metrics
from sim2real.training.progress import TrainingProgress
from sim2real.training.provenance import provenance_of
from sim2real.training.recent_episodes import RecentEpisodes
from sim2real.training.run_folder import RunFolder
from sim2real.training.train_report import TrainReport
from sim2real.training.warm_start import take_over
from sim2real.training.watched_environment import WatchedEnvironment

EVALUATION_SEED_OFFSET: Final = 1_000_003
"""Offset from the training seed, so that evaluation uses other episodes."""


def share_done(experiment: ExperimentConfig, steps: int, seconds: float) -> float:
    """Return the finished share of a run, from 0 to 1: the larger one of steps and (if bounded) time.

    Args:
        experiment: Source of the two bounds.
        steps: Control steps taken.
        seconds: Time of collecting and learning, s.
    """
    share = steps / experiment.steps
    if experiment.training_duration is not None:
        share = max(share, seconds / experiment.training_duration)
    return min(share, 1.0)


def as_written(experiment: ExperimentConfig, model: ModelRecord | None) -> ExperimentConfig:
    """Return an experiment as a run writes it: with its own copies of the user's modules and model."""
    kept = as_kept(experiment)
    return kept if model is None else as_kept_model(kept, model)


class Session:
    """Learner, environment and counters of a run. Sets torch to one thread.

    Args:
        experiment: With the recorded digests of its modules.
        run: Folder of everything that is written.
        model: Record of the robot's model, which the run keeps; None for a run from before runs kept it.
    """

    def __init__(self, experiment: ExperimentConfig, run: RunFolder, model: ModelRecord | None) -> None:
        torch.set_num_threads(1)
        self.experiment, self.run, self.model = experiment, run, model
        self.origin: dict[str, str] = {}
        self.contract = contract_of(experiment.task)
        self.environment: Environment = BatchEnv(
            experiment.training_task,
            experiment.randomization,
            experiment.environments,
            seed=experiment.seed,
            threads=experiment.threads,
            curriculum=experiment.curriculum,
            diverged=run.diverged,
        )
        watched = WatchedEnvironment(self.environment)
        self.algorithm: Algorithm = make_algorithm(experiment.algorithm, watched, experiment.seed)
        self._watch = LearnerWatch(self.algorithm)
        self.iteration = 0
        self.steps = 0
        self.seconds = 0.0
        self._saved: Path | None = None
        self._first: Checkpoint | None = None  # until there is a file: what a run begins from is finite

    @property
    def share(self) -> float:
        """Finished share of the run, from 0 to 1."""
        return share_done(self.experiment, self.steps, self.seconds)

    def start(self) -> None:
        """Begin a new run."""
        self.algorithm.start(self.experiment.seed)
        self._first = deepcopy(self._checkpoint())

    def init_from(self, run: Path) -> None:
        """Begin from the policy of another run. Raises UserError if it does not fit."""
        self.origin, taken = take_over(self.algorithm, self.experiment, self.contract, run)
        error_console().print(
            f"begins from {run} at step {self.origin['init_from_steps']}: {', '.join(taken)}; all else begins anew",
            markup=False,
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore a checkpoint."""
        self.algorithm.policy.load_state_dict(checkpoint.policy)
        self.algorithm.restore(checkpoint.algorithm)
        self.environment.load_state_dict(checkpoint.environment)
        self.iteration, self.steps, self.seconds = checkpoint.iteration, checkpoint.steps, checkpoint.seconds
        self.origin = dict(checkpoint.origin)

    def work(self, *, progress: bool) -> TrainReport:
        """Train to the end, evaluate and export."""
        steps_before, seconds_before = self.steps, self.seconds
        try:
            interrupted = self._loop(progress=progress)
        except NonFiniteError as error:
            if self._first is not None:
                self._save(self._first)
            raise NonFiniteError(f"{self._place}: {error}; training stopped; {self._way_back}") from error
        except UserError as error:
            saved = self._last_saved
            raise UserError(f"{error}; " + (f"saved before: {saved}" if saved else "nothing was saved yet")) from error
        if interrupted:
            error_console().print(
                f"stopped at step {self.steps}; continue with: sim2real train --resume {self.run.path}"
            )
            raise KeyboardInterrupt
        spent = self.seconds - seconds_before
        return self._close((self.steps - steps_before) / spent if spent > 0.0 else 0.0)

    @property
    def _last_saved(self) -> Path | None:
        """The newest checkpoint."""
        return self._saved or next(reversed(self.run.all_checkpoints()), None)

    @property
    def _place(self) -> str:
        """Run, iteration and step, for messages."""
        return f"{self.run.path}: iteration {self.iteration}, step {self.steps}"

    @property
    def _way_back(self) -> str:
        """What is left of a run whose numbers are no longer finite, and what to do with it."""
        return (
            f"the last finite checkpoint is kept: {self._last_saved}; resumed, it comes to the same end: begin a new "
            f"run from it with --init-from {self.run.path}, with a lower algorithm.learning_rate or a mended task"
        )

    def _loop(self, *, progress: bool) -> bool:
        """Iterate until all steps are taken or the time is over; return whether the loop was interrupted."""
        experiment, recent = self.experiment, RecentEpisodes()
        with (
            MetricsLog(self.run, after_iteration=self.iteration, after_steps=self.steps) as log,
            TrainingProgress(experiment.name, self.share, enabled=progress) as bar,
            Interrupt() as interrupt,
        ):
            while self.share < 1.0 and not interrupt.requested:
                metrics, elapsed, taken = self._iterate()
                episodes = self.environment.episodes
                metrics |= recent.add(episodes.drain()) | self.environment.curriculum_figures()
                metrics["episode/diverged"] = float(episodes.diverged)  # all of the run, not a share of the latest
                log.write(self.iteration, self.steps, metrics | {"time/steps_per_second": taken / elapsed})
                bar.show(self.share, recent.mean("return"), recent.mean("success"), taken / elapsed)
                self._watch.after_iteration(metrics)
                if self.iteration % experiment.checkpoint_every == 0:
                    self._save(self._checkpoint())
            if self.iteration % experiment.checkpoint_every:
                self._save(self._checkpoint())
            return self.share < 1.0

    def _iterate(self) -> tuple[Metrics, float, int]:
        begin = time.perf_counter()
        taken, metrics = self.algorithm.iterate(self.share)
        elapsed = time.perf_counter() - begin
        self.iteration += 1
        self.steps += taken
        self.seconds += elapsed
        return metrics, elapsed, taken

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            experiment=dump(as_written(self.experiment, self.model)),
            contract=self.contract.model_dump_json(),
            iteration=self.iteration,
            steps=self.steps,
            seconds=self.seconds,
            policy=self.algorithm.policy.state_dict(),
            algorithm=self.algorithm.state(),
            environment=self.environment.state_dict(),
            modules=texts_of(self.experiment),
            model={} if self.model is None else self.model.document(),
            origin=self.origin,
        )

    def _save(self, checkpoint: Checkpoint) -> None:
        self._watch.before_checkpoint(checkpoint.policy, checkpoint.algorithm, checkpoint.environment)
        path = self.run.checkpoint(checkpoint.iteration)
        save_checkpoint(checkpoint, path)
        self._saved, self._first = path, None
        self.run.prune()

    def _draw_curriculum(self) -> None:
        """Plot the curriculum, if it is a moving one."""
        if not curriculum_kind(self.experiment.curriculum).moves:
            return
        # Matplotlib takes 0.5 s to import, and most runs plot nothing.
        from sim2real.report.curriculum_figure import curriculum_figure

        curriculum_figure(read_metrics(self.run.metrics), self.experiment.randomization.parameters, self.run.curriculum)

    def _close(self, rate: float) -> TrainReport:
        experiment, policy = self.experiment, self.algorithm.policy
        diverged = self.environment.episodes.diverged
        if diverged:
            where = f"; states in {self.run.diverged}" if self.run.diverged.is_dir() else ""
            error_console().print(f"warning: {diverged} simulations diverged and were reset{where}")
        evaluation = evaluate(
            policy.act,
            experiment.task,
            experiment.randomization,
            experiment.evaluation_episodes,
            seed=experiment.seed + EVALUATION_SEED_OFFSET,
            threads=experiment.threads,
        )
        self._draw_curriculum()
        if (failure := failure_of(evaluation, experiment.task)) is not None:
            raise UserError(
                f"{self.run.path}: {failure}; no policy was exported; the last checkpoint is {self._last_saved}"
            )
        provenance = provenance_of(
            experiment,
            steps=self.steps,
            iterations=self.iteration,
            seconds=self.seconds,
            model=self.model,
            origin=self.origin,
        )
        export = export_policy(policy, self.contract, self.run.policy, provenance, evaluation.observations)
        return TrainReport(
            self.run, experiment.seed, self.steps, self.iteration, self.seconds, rate, evaluation, export
        )
