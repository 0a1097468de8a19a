"""The training run: loop, figures, checkpoints, closing evaluation and export."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from configs.command import error_console
from configs.errors import UserError
from configs.load import dump, validate
from configs.schema.experiment import ExperimentConfig
from configs.source import parse_yaml
from runtime.contract.spec import contract_of
from sim2real.env import BatchEnv
from training.algorithms import make_algorithm
from training.algorithms.interface import Algorithm, Metrics
from training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, write_atomically
from training.environment import Environment
from training.evaluation import Evaluation, evaluate
from training.export import ExportReport, export_policy
from training.interrupt import Interrupt
from training.metrics import MetricsLog
from training.progress import TrainingProgress
from training.provenance import provenance_of
from training.recent import RecentEpisodes
from training.run_folder import RunFolder

EVALUATION_SEED_OFFSET: Final = 1_000_003
"""Episodes of the evaluation differ from those of training."""


@dataclass(frozen=True)
class TrainReport:
    """What a training run came to."""

    run: RunFolder
    seed: int
    steps: int
    iterations: int
    seconds: float
    """Time spent gathering and learning, earlier parts of a resumed run included."""
    steps_per_second: float
    """Environment steps a second with learning, of this part of the run."""
    evaluation: Evaluation
    export: ExportReport

    @property
    def policy(self) -> Path:
        """The exported policy."""
        return self.export.path

    @property
    def parity(self) -> float:
        """Largest difference between onnxruntime and torch, over the observations of the evaluation."""
        return self.export.parity

    @property
    def metrics(self) -> Path:
        """One line of JSON an iteration."""
        return self.run.metrics

    def document(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "run": str(self.run.path),
            "policy": str(self.policy),
            "metrics": str(self.metrics),
            "seed": self.seed,
            "steps": self.steps,
            "iterations": self.iterations,
            "seconds": self.seconds,
            "steps_per_second": self.steps_per_second,
            "evaluation": self.evaluation.document(),
            "parity": self.parity,
        }


def train(experiment: ExperimentConfig, run_dir: Path, *, progress: bool = True) -> TrainReport:
    """Train a new run in `run_dir`, which must not exist yet.

    Sets torch to one thread: more make the simulator's own threads slower by far than they make these networks faster.

    Raises:
        UserError: The run exists, or something cannot be written; what was saved before stays readable.
        KeyboardInterrupt: SIGINT; a checkpoint was saved.
    """
    run = RunFolder.create(run_dir)
    write_atomically(run.config, dump(experiment).encode())
    session = _Session(experiment, run)
    session.start()
    return session.work(progress=progress)


def resume(run_dir: Path, overrides: tuple[str, ...] = (), *, progress: bool = True) -> TrainReport:
    """Continue a run from its newest checkpoint, exactly as if it had not been stopped.

    Args:
        run_dir: The run.
        overrides: `key=value` texts; only `steps`, `checkpoint_every`, `evaluation_episodes` and `threads` may change.
        progress: Whether to show a progress bar.

    Raises:
        UserError: As `train`, and when there is no run, no checkpoint, or nothing left to do.
    """
    run = RunFolder.open(run_dir)
    checkpoint = load_checkpoint(run.latest_checkpoint())
    experiment = experiment_of(checkpoint, overrides)
    if checkpoint.steps >= experiment.steps:
        raise UserError(f"{run_dir}: all {experiment.steps} steps are done; continue with --set steps=N, N larger")
    write_atomically(run.config, dump(experiment).encode())
    session = _Session(experiment, run)
    session.restore(checkpoint)
    return session.work(progress=progress)


def experiment_of(checkpoint: Checkpoint, overrides: tuple[str, ...] = ()) -> ExperimentConfig:
    """Return the experiment of a checkpoint. Raises UserError, also for overrides that change what is learned."""
    free = {"steps", "checkpoint_every", "evaluation_episodes", "threads"}
    for text in overrides:
        if text.partition("=")[0].strip() not in free:
            raise UserError(f"--set {text}: cannot change when a run is resumed; what can: {', '.join(sorted(free))}")
    return validate(ExperimentConfig, parse_yaml(checkpoint.experiment, "checkpoint"), overrides)


class _Session:
    """A run at work: the learner, its environment, and the counters."""

    def __init__(self, experiment: ExperimentConfig, run: RunFolder) -> None:
        torch.set_num_threads(1)
        self.experiment, self.run = experiment, run
        self.contract = contract_of(experiment.task)
        self.environment: Environment = BatchEnv(
            experiment.training_task,
            experiment.randomization,
            experiment.environments,
            seed=experiment.seed,
            threads=experiment.threads,
        )
        self.algorithm: Algorithm = make_algorithm(experiment.algorithm, self.environment, experiment.seed)
        self.iteration = 0
        self.steps = 0
        self.seconds = 0.0
        self._saved: Path | None = None

    def start(self) -> None:
        self.algorithm.start(self.experiment.seed)

    def restore(self, checkpoint: Checkpoint) -> None:
        self.algorithm.policy.load_state_dict(checkpoint.policy)
        self.algorithm.restore(checkpoint.algorithm)
        self.environment.load_state_dict(checkpoint.environment)
        self.iteration, self.steps, self.seconds = checkpoint.iteration, checkpoint.steps, checkpoint.seconds

    def work(self, *, progress: bool) -> TrainReport:
        """Train to the end, then evaluate and export."""
        steps_before, seconds_before = self.steps, self.seconds
        try:
            interrupted = self._loop(progress=progress)
        except UserError as error:
            saved = self._saved or next(reversed(self.run.all_checkpoints()), None)
            raise UserError(f"{error}; " + (f"saved before: {saved}" if saved else "nothing was saved yet")) from error
        if interrupted:
            error_console().print(
                f"stopped at step {self.steps}; continue with: sim2real train --resume {self.run.path}"
            )
            raise KeyboardInterrupt
        spent = self.seconds - seconds_before
        return self._close((self.steps - steps_before) / spent if spent > 0.0 else 0.0)

    def _loop(self, *, progress: bool) -> bool:
        """Iterate until all steps are taken; return whether it was interrupted before."""
        experiment, recent = self.experiment, RecentEpisodes()
        with (
            MetricsLog(self.run, after_iteration=self.iteration, after_steps=self.steps) as log,
            TrainingProgress(experiment.name, experiment.steps, self.steps, enabled=progress) as bar,
            Interrupt() as interrupt,
        ):
            while self.steps < experiment.steps and not interrupt.requested:
                metrics, elapsed, taken = self._iterate()
                metrics |= recent.add(self.environment.episodes.drain())
                log.write(self.iteration, self.steps, metrics | {"time/steps_per_second": taken / elapsed})
                bar.show(self.steps, recent.mean("return"), recent.mean("success"), taken / elapsed)
                if self.iteration % experiment.checkpoint_every == 0:
                    self._save()
            if self.iteration % experiment.checkpoint_every:
                self._save()
            return self.steps < experiment.steps

    def _iterate(self) -> tuple[Metrics, float, int]:
        begin = time.perf_counter()
        taken, metrics = self.algorithm.iterate(self.steps / self.experiment.steps)
        elapsed = time.perf_counter() - begin
        self.iteration += 1
        self.steps += taken
        self.seconds += elapsed
        return metrics, elapsed, taken

    def _save(self) -> None:
        path = self.run.checkpoint(self.iteration)
        save_checkpoint(
            Checkpoint(
                experiment=dump(self.experiment),
                contract=self.contract.model_dump_json(),
                iteration=self.iteration,
                steps=self.steps,
                seconds=self.seconds,
                policy=self.algorithm.policy.state_dict(),
                algorithm=self.algorithm.state(),
                environment=self.environment.state_dict(),
            ),
            path,
        )
        self._saved = path
        self.run.prune()

    def _close(self, rate: float) -> TrainReport:
        experiment, policy = self.experiment, self.algorithm.policy
        evaluation = evaluate(
            policy.act,
            experiment.task,
            experiment.randomization,
            experiment.evaluation_episodes,
            seed=experiment.seed + EVALUATION_SEED_OFFSET,
            threads=experiment.threads,
        )
        provenance = provenance_of(experiment, steps=self.steps, iterations=self.iteration, seconds=self.seconds)
        export = export_policy(policy, self.contract, self.run.policy, provenance, evaluation.observations)
        return TrainReport(
            self.run, experiment.seed, self.steps, self.iteration, self.seconds, rate, evaluation, export
        )
