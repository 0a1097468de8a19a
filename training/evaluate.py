"""Evaluates a policy in simulation: as trained, without randomization, and in a changed world."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim2real.configs.errors import MissingExtraError, UserError
from sim2real.configs.load import as_randomization, load_randomization
from sim2real.configs.override import as_overrides
from sim2real.configs.policy_reference import find_policy
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.stage import stage

if TYPE_CHECKING:
    from sim2real.training.evaluation import Evaluation

EMULATED: Final = "emulated"
"""Name of the row of the emulated robot."""
SEED: Final = 20_000_003
"""Far from the seeds of training runs."""


@dataclass(frozen=True)
class EvaluationReport:
    """Results of a policy, one row per randomization."""

    policy: str
    """Shipped name, ONNX file, or folder of a training run."""
    task: str
    overrides: tuple[str, ...]
    rows: "tuple[Evaluation, ...]"
    video: Path | None = None
    demonstrations: Path | None = None
    """What the policy saw and did in the first row."""

    def row(self, randomization: str) -> "Evaluation":
        """Return the results for a randomization. Raises UserError if it was not evaluated."""
        for row in self.rows:
            if row.randomization == randomization:
                return row
        raise UserError(
            f"not evaluated under {randomization!r}; valid: {', '.join(row.randomization for row in self.rows)}"
        )

    def document(self) -> dict[str, Any]:
        """Return the report as plain data."""
        document: dict[str, Any] = {
            "ok": True,
            "reasons": [],
            "policy": self.policy,
            "task": self.task,
            "overrides": list(self.overrides),
            "rows": [row.document() for row in self.rows],
        }
        files = {"video": self.video, "demonstrations": self.demonstrations}
        return document | {name: str(path) for name, path in files.items() if path is not None}


def evaluate(
    policy: str | Path,
    *,
    episodes: int = 64,
    randomization: str | Path | RandomizationConfig | None = None,
    overrides: Sequence[str] = (),
    seed: int = SEED,
    video: str | Path | None = None,
    env: object = None,
    emulated: int = 0,
    record: str | Path | None = None,
) -> EvaluationReport:
    """Run complete episodes with a policy: with its training randomization, with none, and with another.

    The same seed gives the same results.

    Args:
        policy: A shipped policy, an exported ONNX file, or the folder of a training run.
        episodes: Episodes per row.
        randomization: A further row with this: a shipped name, a YAML file, or a loaded randomization. Its row is
            named `NAME, as given` if another one of that name is evaluated too.
        overrides: Texts `key.path=value` that change the world of the policy's experiment; the policy's observations
            and actions stay the same.
        seed: Seed of the episodes, 0 to 2³² − 1.
        video: MP4 file for a video of one episode.
        env: The environment of a policy that was trained in one given from Python, as `train` takes it. A policy for
            an environment of Gymnasium's is evaluated in that alone: it has no randomization.
        emulated: Episodes of a further row, `emulated`: on the emulated robot in lockstep, with its motors, its drivers
            and safety in the loop. Each begins near the start pose, with commands drawn as in training.
        record: `.npz` file for what the policy saw and did in every step of the first row: demonstrations, from which
            `bc` learns.

    Returns:
        The results: returns, success and survival rates, lengths in control steps, the task's metrics;
        `.document()` is what `sim2real eval --json` prints.

    Raises:
        UserError: The policy, a randomization or an override is not valid, or a number is out of range.
        TypeError: `episodes` or `seed` is not whole.
        MissingExtraError: The extra `train` is not installed.

    Example:
        >>> import sim2real
        >>> report = sim2real.evaluate("pendulum_swingup", episodes=4)
        >>> [row.randomization for row in report.rows], report.row("none").episodes
        (['pendulum', 'none'], 4)
    """
    try:
        from sim2real.report.episode_video import render_episode
        from sim2real.runtime.contract.spec import contract_of
        from sim2real.training import evaluation
        from sim2real.training.demonstrations.array_file import check_name, write_arrays
        from sim2real.training.demonstrations.recorder import Recorder
        from sim2real.training.gymnasium.saved import is_for_gymnasium
        from sim2real.training.saved_policy import load_saved_policy
    except ModuleNotFoundError as error:
        raise MissingExtraError("evaluate", str(error.name), "train") from error
    episodes, seed, emulated = index(episodes), index(seed), index(emulated)
    _check_numbers(episodes, seed, emulated)
    if emulated and overrides:
        raise UserError("emulated: the emulated robot is as its YAML says; it does not go with overrides of the world")
    changes = as_overrides(overrides)
    written = None if record is None else check_name(Path(record))
    if is_for_gymnasium(find_policy(policy)):
        if written is not None:
            raise UserError(f"record: {policy} is for an environment of Gymnasium's; valid: a policy for a robot")
        if emulated:
            raise UserError(f"emulated: {policy} is for an environment of Gymnasium's, which no emulated robot is")
        return _evaluate_gymnasium(
            find_policy(policy), str(policy), episodes, seed, changes, randomization=randomization, video=video, env=env
        )
    if env is not None:
        raise UserError(f"env: {policy} is a policy for a robot; valid: None")
    saved = load_saved_policy(find_policy(policy), changes)
    task, trained = saved.experiment.task, saved.experiment.randomization
    privileged = saved.experiment.privileged_policy
    _check_conditions(saved.experiment, policy, randomization=randomization, emulated=emulated)
    conditions = _conditions(saved.experiment, None if randomization is None else as_randomization(randomization))
    recorder = Recorder(saved.act, contract_of(task).observation_size)
    acts = [saved.act if written is None else recorder, *(saved.act for _ in conditions[1:])]
    rows = tuple(
        evaluation.evaluate(act, task, condition, episodes, seed=seed, privileged=privileged)
        for act, condition in zip(acts, conditions, strict=True)
    )
    if written is not None:
        write_arrays(recorder.demonstrations(str(written), contract_of(task)), written)
    if emulated:
        rows += (_emulated(policy, task, emulated, seed),)
    target = None if video is None else Path(video)
    if target is not None:
        render_episode(
            task, trained, saved.act, target, task.episode_duration, forget=saved.act.reset, privileged=privileged
        )
    return EvaluationReport(str(policy), task.name, changes, rows, target, written)


def _check_numbers(episodes: int, seed: int, emulated: int) -> None:
    if not episodes >= 1:
        raise UserError(f"episodes: {episodes}; valid: 1 and above")
    if not 0 <= seed < 2**32:
        raise UserError(f"seed: {seed}; valid: 0 to {2**32 - 1}")
    if not emulated >= 0:
        raise UserError(f"emulated: {emulated}; valid: 0 and above")


def _check_conditions(
    experiment: ExperimentConfig, policy: str | Path, *, randomization: object, emulated: int
) -> None:
    """Refuse what a policy that sees privileged values cannot be evaluated in."""
    if not experiment.privileged_policy:
        return
    sees = f"{policy} sees privileged values"
    if emulated:
        raise UserError(f"emulated: {sees}, which no robot measures; valid: a student of it")
    if randomization is not None:
        raise UserError(f"randomization: {sees}, which are those of its own randomization; valid: None")


def _emulated(policy: str | Path, task: TaskConfig, episodes: int, seed: int) -> "Evaluation":
    """Return the results of episodes on the emulated robot."""
    import numpy as np

    from sim2real.runtime.policy import load_policy
    from sim2real.training.evaluation import Evaluation
    from sim2real.training.recorded import Sequences
    from sim2real.training.transfer.emulated import emulated_episodes

    loaded = load_policy(policy)
    figures: dict[str, list[float]] = {}
    played = emulated_episodes(loaded, task, episodes, task.episode_duration, seed=seed)
    for number, episode in enumerate(played, start=1):
        stage("evaluating on the emulated robot", number / episodes)
        for name, value in episode.items():
            figures.setdefault(name, []).append(value)
    nothing = np.zeros((0, loaded.contract.observation_size), np.float32)
    sequences = Sequences(nothing[None], np.zeros((1, 0), bool))
    return Evaluation.of(EMULATED, {name: np.array(values) for name, values in figures.items()}, nothing, sequences)


def _evaluate_gymnasium(
    path: Path,
    name: str,
    episodes: int,
    seed: int,
    overrides: tuple[str, ...],
    *,
    randomization: object,
    video: str | Path | None,
    env: object,
) -> EvaluationReport:
    """Evaluate a policy for an environment of Gymnasium's."""
    from sim2real.training.gymnasium.given import as_given
    from sim2real.training.gymnasium.saved import load_gymnasium_policy
    from sim2real.training.gymnasium.video import render_gymnasium_episode

    if randomization is not None:
        raise UserError(f"{name}: is for an environment of Gymnasium's, which has no randomization; valid: None")
    saved = load_gymnasium_policy(path, overrides)
    row = saved.evaluate(episodes, seed, as_given(env), path)
    target = None if video is None else Path(video)
    if target is not None:
        render_gymnasium_episode(saved, target, seed)
    return EvaluationReport(name, saved.contract.environment, overrides, (row,), target)


def _conditions(experiment: ExperimentConfig, given: RandomizationConfig | None) -> list[RandomizationConfig]:
    """Return what a policy is evaluated under: each randomization once, each by a name of its own.

    One that sees privileged values sees others without the randomization of its training.
    """
    conditions = [experiment.randomization]
    if experiment.privileged_policy:
        return conditions
    for other in (load_randomization("none"), given):
        if other is None or other in conditions:
            continue
        taken = other.name in [condition.name for condition in conditions]
        conditions.append(other.model_copy(update={"name": f"{other.name}, as given"}) if taken else other)
    return conditions
