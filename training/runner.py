"""Starts and resumes training runs."""

from pathlib import Path
from typing import Final

from sim2real.configs.command_outcome import error_console
from sim2real.configs.errors import UserError
from sim2real.configs.load import dump, validate
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.gymnasium import GymnasiumConfig
from sim2real.configs.schema.training import TrainingConfig
from sim2real.configs.stage import stage
from sim2real.configs.yaml_source import parse_yaml
from sim2real.training import device, team
from sim2real.training.checkpoint import Checkpoint, load_checkpoint, write_atomically
from sim2real.training.export import exported_steps
from sim2real.training.gymnasium.given import GivenEnvironment
from sim2real.training.kept_modules import keep
from sim2real.training.newest_checkpoint import newest_checkpoint
from sim2real.training.problem import Problem
from sim2real.training.robot_problem import RobotProblem
from sim2real.training.run_claim import claimed, discard_unbegun
from sim2real.training.run_folder import RunFolder
from sim2real.training.saved_experiment import schema_of
from sim2real.training.session import Session, share_done
from sim2real.training.train_report import TrainReport
from sim2real.training.trained_contract import trained_contract

_FREE: Final = (
    "steps",
    "training_duration",
    "checkpoint_every",
    "evaluation_episodes",
    "evaluation_every",
    "threads",
    "device",
)
"""Keys that may change at a resume: duration, checkpoints, evaluation, threads, device."""

__all__ = ["TrainReport", "experiment_of", "resume", "train"]


def train(
    experiment: ExperimentConfig | GymnasiumConfig,
    run_dir: Path,
    *,
    progress: bool = True,
    numbered: bool = False,
    init_from: Path | None = None,
    given: GivenEnvironment | None = None,
) -> TrainReport:
    """Train a new run in `run_dir`, which must not exist.

    Sets torch to one thread: more would slow down the simulator's threads much more than speed up these networks.

    Args:
        experiment: The experiment.
        run_dir: Folder of the run.
        progress: Show a progress bar.
        numbered: Take RUN_DIR-2, RUN_DIR-3, … where it exists.
        init_from: Run whose policy this one begins from.
        given: The environment, where it is given from Python.

    Raises:
        UserError: The run exists, or a file cannot be written; earlier checkpoints stay readable.
        NonFiniteError: A number of the training is not finite; the last finite checkpoint stays.
        KeyboardInterrupt: SIGINT or SIGTERM; a checkpoint was saved.
    """
    if init_from is None and getattr(experiment.algorithm, "anchor", None) is not None:
        raise UserError("algorithm.anchor: there is no policy to hold on to; valid: null, or --init-from RUN")
    team.join()
    if team.restarted() and not numbered:
        if all(team.gathered(bool(RunFolder(_of_rank(run_dir)).all_checkpoints()))):
            return resume(run_dir, progress=progress, given=given)
        if not team.rank():
            RunFolder(run_dir).remove()  # it had saved nothing yet
    run = _created(run_dir, numbered=numbered)
    with claimed(run), device.learning_on(experiment.device):
        problem: Problem | None = None
        stage(f"{experiment.name}: making {experiment.environments} environments")
        try:
            problem = _begun(experiment, run.path, given)
            session = Session(problem, run)
            _write(problem, run)
            if init_from is not None:
                session.init_from(init_from)
            session.start()
        except BaseException:
            run.remove()  # a run that cannot begin leaves no folder behind
            if problem is not None:
                problem.close()
            raise
        return session.work(progress=progress)


def resume(
    run_dir: Path, overrides: tuple[str, ...] = (), *, progress: bool = True, given: GivenEnvironment | None = None
) -> TrainReport:
    """Resume a run from its newest checkpoint, bit for bit as if it had not stopped.

    One that was stopped after its last step is evaluated and exported. A foreign environment that offers no state
    begins its episodes again.

    Args:
        run_dir: The run.
        overrides: `key=value` texts; only duration, checkpoints, evaluation, threads and device may change.
        progress: Show a progress bar.
        given: The environment, where it was given from Python.

    Raises:
        UserError: As `train`; also if there is no run or no checkpoint, the run is finished, or another process
            trains it.
    """
    team.join()
    run_dir = _of_rank(run_dir)
    run = RunFolder.open(run_dir)
    with claimed(run):
        return _resumed_run(run, overrides, given, progress=progress)


def _resumed_run(
    run: RunFolder, overrides: tuple[str, ...], given: GivenEnvironment | None, *, progress: bool
) -> TrainReport:
    run_dir = run.path
    checkpoint = _common_checkpoint(run_dir)
    run.clear_parts()
    if schema_of(parse_yaml(checkpoint.experiment, "checkpoint")) is ExperimentConfig:
        trained_contract(checkpoint, run_dir)  # first: a package that is missing makes keys of the experiment unknown
    experiment = experiment_of(checkpoint, overrides)
    problem = _resumed(experiment, checkpoint, run_dir, given)
    if (
        share_done(experiment, checkpoint.steps, checkpoint.seconds) >= 1.0
        and exported_steps(run.policy) == checkpoint.steps
    ):
        raise UserError(f"{run_dir}: {_done(experiment, checkpoint)}")
    _note_length(experiment_of(checkpoint), experiment, run_dir)
    with device.learning_on(experiment.device):
        try:
            _write(problem, run)
            session = Session(problem, run)
            session.restore(checkpoint)
        except BaseException:
            problem.close()
            raise
        return session.work(progress=progress)


def experiment_of(checkpoint: Checkpoint, overrides: tuple[str, ...] = ()) -> ExperimentConfig | GymnasiumConfig:
    """Return the experiment of a checkpoint. Raises UserError, also for overrides of keys that must not change."""
    for text in overrides:
        if text.partition("=")[0].strip() not in _FREE:
            raise UserError(f"--set {text}: cannot change when a run is resumed; valid: {', '.join(_FREE)}")
    sourced = parse_yaml(checkpoint.experiment, "checkpoint")
    return validate(schema_of(sourced), sourced, overrides)


def _created(run_dir: Path, *, numbered: bool) -> RunFolder:
    """Return the folder of a new run; every other process has one of its own in it."""
    if not team.rank() and not numbered:
        discard_unbegun(RunFolder(run_dir))
    run = None if team.rank() else RunFolder.create(run_dir, numbered=numbered)
    folder = team.first_of(run_dir if run is None else run.path)
    return run if run is not None else RunFolder.create(_of_rank(folder))


def _of_rank(run_dir: Path) -> Path:
    """Return the folder of this process in a run, from the first one's."""
    return run_dir / "ranks" / str(team.rank()) if team.rank() else run_dir


def _common_checkpoint(run_dir: Path) -> Checkpoint:
    """Return this process' newest checkpoint that every other process has, too.

    Raises:
        UserError: As `newest_checkpoint`; also if another number of processes trained the run.
    """
    before = team.first_of(None if team.rank() else 1 + len(list(run_dir.glob("ranks/[0-9]*"))))
    if before != team.size():
        raise UserError(f"{run_dir}: {before} processes trained it, and there are {team.size()} now; valid: {before}")
    newest = newest_checkpoint(run_dir)
    common = min(team.gathered(newest.iteration))
    return newest if newest.iteration == common else load_checkpoint(RunFolder(run_dir).checkpoint(common))


def _begun(experiment: ExperimentConfig | GymnasiumConfig, run: Path, given: GivenEnvironment | None) -> Problem:
    if isinstance(experiment, ExperimentConfig):
        return RobotProblem.begin(experiment, run)
    from sim2real.training.gymnasium.problem import GymnasiumProblem

    return GymnasiumProblem(experiment, given)


def _resumed(
    experiment: ExperimentConfig | GymnasiumConfig, checkpoint: Checkpoint, run: Path, given: GivenEnvironment | None
) -> Problem:
    if isinstance(experiment, ExperimentConfig):
        return RobotProblem.resume(experiment, checkpoint, run)
    from sim2real.training.gymnasium.problem import GymnasiumProblem

    return GymnasiumProblem.resume(experiment, checkpoint, run, given)


def _write(problem: Problem, run: RunFolder) -> None:
    """Write the experiment and its modules into the run's folder."""
    keep(run.path, problem.kept["modules"])
    write_atomically(run.config, dump(problem.as_written()).encode())


def _note_length(before: TrainingConfig, after: TrainingConfig, run: Path) -> None:
    """Say what a run is not that is made longer or shorter than it was begun."""
    if not team.rank() and (before.steps, before.training_duration) != (after.steps, after.training_duration):
        error_console().print(
            f"note: {run}: what anneals over a run (learning rate, standard deviation) followed {_length(before)} so "
            f"far, and follows {_length(after)} from here on: the result differs from that of one straight run of "
            f"{_length(after)}",
            markup=False,
        )


def _length(experiment: TrainingConfig) -> str:
    duration = experiment.training_duration
    return f"{experiment.steps} steps" + (f" or {duration:g} s" if duration is not None else "")


def _done(experiment: TrainingConfig, checkpoint: Checkpoint) -> str:
    """Return why the run is finished, and how to extend it."""
    if checkpoint.steps >= experiment.steps:
        return f"all {experiment.steps} steps are done; continue with --set steps=N, N larger"
    return (
        f"the training_duration of {experiment.training_duration:g} s is over; "
        "continue with --set training_duration='T s', T larger"
    )
