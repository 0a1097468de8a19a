"""Training loop of a run: metrics, checkpoints, evaluation and export."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from sim2real.configs.command_outcome import error_console
from sim2real.configs.errors import NonFiniteError, UserError
from sim2real.configs.load import dump
from sim2real.configs.schema.training import TrainingConfig
from sim2real.configs.stage import stage
from sim2real.envs.batch_env import BatchEnv
from sim2real.training import team
from sim2real.training.algorithms import make_algorithm
from sim2real.training.algorithms.interface import Algorithm, Metrics
from sim2real.training.best_policy import BestPolicy
from sim2real.training.checkpoint import Checkpoint, save_checkpoint
from sim2real.training.environment_interface import Environment
from sim2real.training.evaluation import Evaluation
from sim2real.training.interrupt import Interrupt
from sim2real.training.learner_watch import LearnerWatch
from sim2real.training.metrics_log import MetricsLog
from sim2real.training.problem import EVALUATION_SEED_OFFSET, Problem, Trained
from sim2real.training.progress import TrainingProgress
from sim2real.training.recent_episodes import RecentEpisodes
from sim2real.training.run_folder import RunFolder
from sim2real.training.shared_curriculum import exchange
from sim2real.training.train_report import TrainReport
from sim2real.training.warm_start import take_over
from sim2real.training.watched_environment import WatchedEnvironment

_RANK_SEED_STEP: Final = 1_299_709
"""Between the seeds of processes that learn together, of environments without streams of their own."""
_RESTART_SEED_STEP: Final = 7_919
"""Between the seeds of runs that are resumed after different iterations: none repeats the episodes of another."""


def _of_all(finished: dict[str, Any]) -> dict[str, Any]:
    """Return the episodes that finished in any process."""
    of_ranks = team.gathered(finished)
    if len(of_ranks) == 1:
        return finished
    return {name: np.concatenate([np.asarray(each.get(name, ())) for each in of_ranks]) for name in finished}


def share_done(experiment: TrainingConfig, steps: int, seconds: float) -> float:
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


class Session:
    """Learner, environment and counters of a run. Sets torch to one thread.

    Args:
        problem: What is learned; closed when the work is done.
        run: Folder of everything that is written.

    Raises:
        UserError: The problem cannot be evaluated during training, and the experiment asks for it.
    """

    def __init__(self, problem: Problem, run: RunFolder) -> None:
        torch.set_num_threads(1)
        self.problem, self.run = problem, run
        experiment = self.experiment = problem.experiment
        if experiment.evaluation_every is not None and not problem.evaluates_apart:
            raise UserError(
                "evaluation_every: an evaluation during training needs environments of its own: give a function that "
                "makes the environment instead of the environment; valid here: null"
            )
        self.origin: dict[str, str] = {}
        self.environment: Environment = problem.environment(run.diverged)
        watched = WatchedEnvironment(self.environment)
        self.algorithm: Algorithm = make_algorithm(experiment.algorithm, watched, experiment.seed)
        self._watch = LearnerWatch(self.algorithm)
        self.iteration = 0
        self.steps = 0
        self.seconds = 0.0
        self.best = BestPolicy(run)
        self._saved: Path | None = None

    @property
    def share(self) -> float:
        """Finished share of the run, from 0 to 1."""
        return share_done(self.experiment, self.steps, self.seconds)

    def start(self) -> None:
        """Begin a new run, and save it: whatever ends it from here on, `resume` goes on with it."""
        self.algorithm.start(self._episode_seed(self.experiment.seed))
        self._save(self._checkpoint())

    def _episode_seed(self, seed: int) -> int:
        """Return the seed of the first episodes of this process; a batch of ours has a stream for every environment."""
        return seed if isinstance(self.environment, BatchEnv) else (seed + _RANK_SEED_STEP * team.rank()) % 2**32

    def init_from(self, run: Path) -> None:
        """Begin from the policy of another run. Raises UserError if it does not fit."""
        self.origin, taken = take_over(self.algorithm, self.problem, run)
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
        self.best.restore(checkpoint.best)
        if not getattr(self.environment, "restores", True):
            self._begin_episodes_again()

    def _begin_episodes_again(self) -> None:
        """Start new episodes where the environment does not offer its state; the learner goes on as it was."""
        seed = (self.experiment.seed + _RESTART_SEED_STEP * (1 + self.iteration)) % 2**32
        error_console().print(
            f"note: {self.run.path}: the environment offers no state to restore: its episodes begin again, with seed "
            f"{seed}; the learner goes on bit for bit",
            markup=False,
        )
        self.algorithm.start(self._episode_seed(seed))

    def work(self, *, progress: bool) -> TrainReport:
        """Train to the end, evaluate and export; close what the problem made."""
        try:
            return self._work(progress=progress)
        finally:
            self.problem.close()

    def _work(self, *, progress: bool) -> TrainReport:
        steps_before, seconds_before = self.steps, self.seconds
        try:
            interrupted = self._loop(progress=progress)
            others = team.rank() > 0
            team.leave()
        except NonFiniteError as error:
            raise NonFiniteError(f"{self._place}: {error}; training stopped; {self._way_back}") from error
        except UserError as error:
            raise UserError(f"{error}; saved before: {self._last_saved}") from error
        if others:
            raise SystemExit(0)  # the first process evaluates and exports
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
            TrainingProgress(experiment.name, self.share, enabled=progress and not team.rank()) as bar,
            Interrupt(patient=team.size() > 1) as interrupt,
        ):
            while self.share < 1.0 and not team.any_of(interrupt.requested):
                metrics, elapsed, taken = self._iterate()
                episodes = self.environment.episodes
                metrics |= recent.add(_of_all(episodes.drain())) | self.environment.curriculum_figures()
                metrics["episode/diverged"] = float(episodes.diverged)  # all of the run, not a share of the latest
                metrics |= self._evaluate_in_between()
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
        if isinstance(self.environment, BatchEnv):
            exchange(self.environment.simulation.parameters.curriculum)
        elapsed = team.first_of(time.perf_counter() - begin)
        taken *= team.size()
        self.iteration += 1
        self.steps += taken
        self.seconds += elapsed
        return metrics, elapsed, taken

    def _evaluate(self) -> Evaluation:
        experiment = self.experiment
        return self.problem.evaluate(
            self.algorithm.policy.actor(), experiment.evaluation_episodes, experiment.seed + EVALUATION_SEED_OFFSET
        )

    def _evaluate_in_between(self) -> Metrics:
        """Evaluate every `evaluation_every` iterations, and keep the best policy; return figures for the log."""
        every = self.experiment.evaluation_every
        if every is None or self.iteration % every or team.rank():
            return {}
        begin = time.perf_counter()
        evaluation = self._evaluate()
        # Nothing but the policy of it is ever read, and a replay buffer may be large.
        self.best.offer(evaluation, replace(self._checkpoint(), algorithm={}, environment={}))
        return evaluation.metrics_row() | {"time/evaluate_s": time.perf_counter() - begin}

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            experiment=dump(self.problem.as_written()),
            contract=self.problem.contract,
            iteration=self.iteration,
            steps=self.steps,
            seconds=self.seconds,
            policy=self.algorithm.policy.state_dict(),
            algorithm=self.algorithm.state(),
            environment=self.environment.state_dict(),
            origin=self.origin,
            best=self.best.figures,
            **self.problem.kept,
        )

    def _save(self, checkpoint: Checkpoint) -> None:
        self._watch.before_checkpoint(checkpoint.policy, checkpoint.algorithm, checkpoint.environment)
        path = self.run.checkpoint(checkpoint.iteration)
        save_checkpoint(checkpoint, path)
        self._saved = path
        self.run.prune()

    def _close(self, rate: float) -> TrainReport:
        experiment = self.experiment
        diverged = self.environment.episodes.diverged
        if diverged:
            where = f"; states in {self.run.diverged}" if self.run.diverged.is_dir() else ""
            error_console().print(f"warning: {diverged} simulations diverged and were reset{where}")
        evaluation = self._evaluate()
        stage("exporting")
        self.problem.draw(self.run)
        if (failure := self.problem.failure_of(evaluation)) is not None:
            raise UserError(
                f"{self.run.path}: {failure}; no policy was exported; the last checkpoint is {self._last_saved}"
            )
        policy = self.algorithm.policy.cpu()
        trained = Trained(self.steps, self.iteration, self.seconds, self.origin)
        export = self.problem.export(policy, self.run.policy, evaluation, trained)
        best = self.best.export(self.problem, policy, evaluation)
        return TrainReport(
            self.run, experiment.seed, self.steps, self.iteration, self.seconds, rate, evaluation, export, best
        )
