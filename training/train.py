"""Trains an experiment into its own folder: checkpoints, metrics, the exported policy."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim2real.configs.errors import MissingExtraError, UserError
from sim2real.configs.load import as_experiment, dump, validate
from sim2real.configs.override import as_overrides
from sim2real.configs.policy_reference import find_run
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.gymnasium import GymnasiumConfig
from sim2real.configs.yaml_source import parse_yaml

if TYPE_CHECKING:
    import gymnasium
    from gymnasium.vector import VectorEnv

    from sim2real.training.train_report import TrainReport

    Maker = Callable[[], gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any]]


def train(
    experiment: "str | Path | ExperimentConfig | GymnasiumConfig | VectorEnv[Any, Any, Any] | Maker | None" = None,
    *,
    algorithm: str | None = None,
    steps: int | None = None,
    overrides: Sequence[str] = (),
    name: str | None = None,
    runs_dir: str | Path = "runs",
    resume: str | Path | None = None,
    init_from: str | Path | None = None,
    device: str | None = None,
    progress: bool = False,
) -> "TrainReport":
    """Train an experiment into `runs_dir/name`: checkpoints, metrics.jsonl, TensorBoard events, policy.onnx.

    What is learned is a robot's task, as an experiment says, or any environment of Gymnasium's interface with `Box`
    observations and actions: `gym/ID`, a `gymnasium.vector.VectorEnv`, or a function that makes one, or a single
    `gymnasium.Env`. A vector environment is used as it is, also for the evaluation at the end, and stays open.

    The same experiment and seed give the same policy, bit for bit, on machines with the same arithmetic. Sets torch to
    one thread: more would slow down the simulator's threads more than they speed up these networks. In the main
    thread a first Ctrl-C, or SIGTERM, saves a checkpoint before it raises KeyboardInterrupt; the run can be resumed.

    Args:
        experiment: A shipped experiment, a YAML file, a loaded experiment, or an environment; with `resume` only
            an environment that was given.
        algorithm: Its name, such as `sac`, for an environment; default: ppo. For an experiment, another one than its
            own with the same network, such as `bc`; its other keys are given by `overrides`.
        steps: Control steps of the training, summed over the environments; as the override `steps=N`.
        overrides: Texts `key.path=value` applied to it, such as `seed=3`; with `resume` only its length, what is
            saved, the number of threads and the device.
        name: Name of the run's folder, which must not exist yet; default: experiment, date and time.
        runs_dir: Folder of the runs.
        resume: Name or folder of a run to continue from its newest checkpoint, with the results of one that was
            never interrupted.
        init_from: Name or folder of a run whose policy this new one begins from, to learn with another curriculum,
            other rewards or another task of the same observations and actions.
        device: `cpu`, `cuda` or `cuda:N`, as the override `device=…`: what learns. A resumed run may change it.
        progress: Whether to draw a progress bar on standard error.

    Returns:
        The report: `.policy` is the exported ONNX file, `.evaluation` the final evaluation; `.document()` is what
        `sim2real train --json` prints.

    Raises:
        UserError: The experiment or an override is not valid, the folder already exists, a file cannot be
            written, or there is nothing to resume. Also if training fails: a number is not finite, or all episodes
            of the final evaluation diverge or end at once. The last finite checkpoint stays.
        MissingExtraError: The extra `train` is not installed.

    Example:
        >>> import sim2real
        >>> short = ("environments=8", "steps=256", "algorithm.rollout_steps=16", "evaluation_episodes=2")
        >>> report = sim2real.train("pendulum_ppo", overrides=short, name="first")
        >>> report.steps, report.policy.as_posix()
        (256, 'runs/first/policy.onnx')
    """
    try:
        from sim2real.training import runner, team
        from sim2real.training.device import found
        from sim2real.training.gymnasium.given import as_given
        from sim2real.training.gymnasium.preset import DEFAULT_ALGORITHM, given_config
    except ModuleNotFoundError as error:
        raise MissingExtraError("train", str(error.name), "train") from error
    if resume is not None and init_from is not None:
        raise UserError("--resume continues a run, and --init-from begins a new one: give one of them")
    _check_name(name)
    given = as_given(experiment)
    changes = as_overrides(overrides) + (() if steps is None else (f"steps={index(steps)}",))
    changes += () if device is None else (f"device={json.dumps(device)}",)
    if resume is not None:
        run = find_run(resume, Path(runs_dir))
        if given is None:
            _check_same(experiment, run)
        if algorithm is not None:
            raise UserError(f"algorithm: {algorithm}; a resumed run goes on with its own; valid: None")
        return runner.resume(run, changes, progress=progress, given=given)
    first = None if init_from is None else find_run(init_from, Path(runs_dir))
    config: ExperimentConfig | GymnasiumConfig
    if given is not None:
        config = given_config(given, algorithm or DEFAULT_ALGORITHM, changes)
    elif experiment is None:
        raise UserError("train: give an experiment, or a run to resume")
    else:
        config = experiment_of(experiment, changes, algorithm)
    found(config.device)  # before anything that takes time
    if isinstance(config, ExperimentConfig) and team.speaks():
        _note_idle(config)
        _check_model(config)
        _check_rewards(config, progress=progress)
    folder = Path(runs_dir) / (name or f"{config.name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
    return runner.train(
        config,
        folder,
        progress=progress,
        numbered=name is None,
        init_from=first,
        given=given,
    )


def _check_name(name: str | None) -> None:
    if name is not None and (not name or Path(name).name != name):
        raise UserError(f"--name {name!r}: valid: a name without a slash; --runs-dir says where the folder is made")


def experiment_of(
    experiment: object, overrides: tuple[str, ...], algorithm: str | None
) -> ExperimentConfig | GymnasiumConfig:
    """Return an experiment of either kind from a name, a file, `gym/ID`, or as it is.

    Raises:
        UserError: There is no such experiment, or it or an override is not valid.
    """
    from sim2real.task.check import check_terms
    from sim2real.training.algorithm_choice import algorithm_override
    from sim2real.training.gymnasium.preset import DEFAULT_ALGORITHM, PREFIX, gym_config, is_yaml
    from sim2real.training.saved_experiment import load_training

    if isinstance(experiment, str) and experiment.startswith(PREFIX) and not is_yaml(experiment):
        return gym_config(experiment.removeprefix(PREFIX), algorithm or DEFAULT_ALGORITHM, overrides)
    if algorithm is not None:
        overrides = (algorithm_override(experiment_of(experiment, (), None).algorithm, algorithm), *overrides)
    if isinstance(experiment, ExperimentConfig):
        return as_experiment(experiment, overrides, check_terms)
    if isinstance(experiment, GymnasiumConfig):
        text = parse_yaml(dump(experiment), experiment.name)
        return validate(GymnasiumConfig, text, overrides) if overrides else experiment
    if not isinstance(experiment, str | Path):
        raise UserError(f"train: {experiment!r} is neither an experiment nor an environment")
    return load_training(str(experiment), overrides, check_terms)


def _note_idle(experiment: ExperimentConfig) -> None:
    """Say on standard error which parameters are randomised and observed by nothing, or not told from the truth."""
    from sim2real.configs.command_outcome import error_console
    from sim2real.curriculum.make import curriculum_kind
    from sim2real.simulation.model_options import hidden_parameters, ineffective_parameters

    task, randomization = experiment.task, experiment.randomization
    if idle := ineffective_parameters(task, randomization):
        error_console().print(
            f"note: task {task.name!r} does not observe the effect of {', '.join(idle)} "
            f"(randomization {randomization.name!r})"
        )
    hidden = [name for name in hidden_parameters(task, randomization) if name not in idle]
    if hidden and curriculum_kind(experiment.curriculum).moves:
        error_console().print(
            f"note: the curriculum widens {', '.join(hidden)}, which no observation of task {task.name!r} shows: "
            "a policy can withstand such errors, not adapt to them"
        )


def _check_model(experiment: ExperimentConfig) -> None:
    """Say on standard error what makes the simulation unlike a robot, or episodes senseless."""
    from sim2real.configs.command_outcome import error_console
    from sim2real.simulation.task_lines import task_lines

    for line in task_lines(experiment.task):
        error_console().print(f"check: {line}", markup=False)


def _check_rewards(experiment: ExperimentConfig, *, progress: bool) -> None:
    """Say on standard error what idling and random actions earn, and warn where that is too much."""
    from sim2real.configs.command_outcome import error_console
    from sim2real.training.task_check import check_task

    if experiment.idle_share_max is None:
        return
    check = check_task(experiment)
    if progress:
        error_console().print(check.text, markup=False)
    for warning in check.warnings(experiment.idle_share_max):
        error_console().print(f"warning: {warning}", markup=False)


def _check_same(experiment: object, run: Path) -> None:
    """Refuse to resume a run of another experiment than the named one."""
    if experiment is None:
        return
    from sim2real.training.gymnasium.preset import PREFIX
    from sim2real.training.run_folder import RunFolder
    from sim2real.training.saved_experiment import environment_name, load_training

    config = load_training(str(RunFolder.open(run).config.resolve()))
    if isinstance(config, GymnasiumConfig):
        named, saved = str(experiment), PREFIX + environment_name(config)
    else:
        named, saved = experiment_of(experiment, (), None).name, config.name
    if named != saved:
        raise UserError(f"{run}: is a run of {saved}, not of {named}")
