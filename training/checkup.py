"""What a person would look at first: check lines, first moments, and what untaught policies do."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from sim2real.configs.errors import ConfigError
from sim2real.configs.library import is_path, shipped
from sim2real.configs.load import load_experiment, load_robot, load_task
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.randomization import RandomizationConfig
from sim2real.configs.schema.task import TaskConfig
from sim2real.configs.stage import stage
from sim2real.configs.yaml_source import read_yaml
from sim2real.hardware.types import Float64Array
from sim2real.simulation.first_moments import RobotStart, holding_task, start_of
from sim2real.simulation.simulation import Simulation
from sim2real.simulation.task_lines import task_lines
from sim2real.task.check import check_terms
from sim2real.training.robot_drop import DROP_S, Drop, dropped
from sim2real.training.task_check import TaskCheck, check_task

Kind = Literal["experiments", "tasks", "robots"]
_MARKS: Final[dict[Kind, str]] = {"experiments": "algorithm", "tasks": "observation", "robots": "buses"}
_PLAYED_S: Final = 2.0
_SEED: Final = 11


@dataclass(frozen=True)
class Checkup:
    """What was found."""

    kind: Kind
    name: str
    task: TaskConfig
    lines: tuple[str, ...]
    """What a user has to look at, one line each; empty if nothing is wrong."""
    start: RobotStart
    drop: Drop
    rewards: TaskCheck | None
    """What untaught policies earn; None for a robot alone."""
    played: dict[str, Float64Array] = field(repr=False)
    """States, (k, nq), of an episode with idle and of one with random actions, by name."""

    def draw(self, path: Path) -> None:
        """Write a sheet of pictures: the start from two sides, the drop, idle and random actions.

        Raises:
            UserError: The file cannot be written, or nothing can be rendered here.
        """
        from sim2real.training.picture_sheet import Picture, draw_sheet

        if path.suffix != ".png" or not path.parent.is_dir():
            raise ConfigError(f"--picture: {path}; valid: a name that ends in .png, in a folder that exists")
        model, idle, random = self.drop.model, self.played["idle"], self.played["random"]
        seconds = {name: (len(states) - 1) / self.task.control_rate for name, states in self.played.items()}
        start = self.drop.states[0]
        pictures = [
            Picture("start, from the side", start, 90.0),
            Picture("start, from the front", start, 180.0),
            Picture(f"motors off, {DROP_S:g} s", self.drop.states[-1]),
            Picture(f"idle actions, {seconds['idle']:.2g} s", idle[-1]),
            Picture(f"random actions, {seconds['random'] / 2:.2g} s", random[len(random) // 2]),
            Picture(f"random actions, {seconds['random']:.2g} s", random[-1]),
        ]
        stage("pictures")
        draw_sheet(model, pictures, path)

    def document(self) -> dict[str, Any]:
        """Return the findings as plain data."""
        rewards = self.rewards
        return {
            "kind": self.kind.removesuffix("s"),
            "name": self.name,
            "robot": self.task.robot.name,
            "checks": list(self.lines),
            "start": self.start.document(),
            "drop": {"seconds": DROP_S, "fastest": self.drop.fastest, "settled": self.drop.settled},
            "rewards": None
            if rewards is None
            else {
                "possible": rewards.possible,
                "policies": {each.name: each.earned for each in rewards.policies},
            },
        }


def checkup(subject: str) -> Checkup:
    """Check a robot, a task or an experiment: a shipped name, or a YAML file of any of the three kinds.

    Raises:
        ConfigError: There is no such subject.
        UserError: It cannot be simulated.
    """
    kind = kind_of(subject)
    experiment: ExperimentConfig | None = None
    if kind == "experiments":
        experiment = load_experiment(subject)
        check_terms(experiment.task)
        task = experiment.task
    elif kind == "tasks":
        task = load_task(subject)
        check_terms(task)
        experiment = _trial(task)
    else:
        task = holding_task(load_robot(subject))
    lines = list(task_lines(task))
    stage(f"{task.name}: its start")
    start = start_of(task)
    lines += start.lines
    rewards = None
    if experiment is not None:
        rewards = check_task(experiment)
        lines += rewards.warnings(0.5 if experiment.idle_share_max is None else experiment.idle_share_max)
    stage(f"{task.name}: motors off, idle and random actions")
    drop = dropped(task.robot)
    played = {"idle": _played(task, random=False), "random": _played(task, random=True)}
    names = {"experiments": experiment.name if experiment else "", "tasks": task.name, "robots": task.robot.name}
    return Checkup(kind, names[kind], task, tuple(lines), start, drop, rewards, played)


def _trial(task: TaskConfig) -> ExperimentConfig:
    """Return an experiment of a task, to see what untaught policies earn; it is never trained."""
    keys = {"name": "check", "task": task, "randomization": {"name": "none"}, "algorithm": {"name": "ppo"}}
    return ExperimentConfig.model_validate(keys | {"environments": 1, "steps": 1})


def _played(task: TaskConfig, *, random: bool) -> Float64Array:
    """Return the states of the first seconds of an episode with actions of zero, or with random ones, (k, nq)."""
    simulation = Simulation(task, RandomizationConfig(name="none"), 1, seed=_SEED, threads=1)
    ids, rng = np.zeros(1, np.intp), np.random.default_rng(_SEED)
    simulation.episodes.begin(ids)
    simulation.begin(ids)
    qpos, size, clip = simulation.batch.bind("qpos"), simulation.contract.action_size, simulation.contract.action.clip
    states = [qpos[0].copy()]
    for _ in range(round(_PLAYED_S * task.control_rate)):
        action = rng.uniform(-clip, clip, (1, size)) if random else np.zeros((1, size))
        ended = simulation.step(action.astype(np.float32))
        states.append(qpos[0].copy())
        if len(ended):
            break
    return np.array(states)


def kind_of(subject: str) -> Kind:
    """Return the kind of a subject. Raises ConfigError if it is none of a robot, a task and an experiment."""
    if not is_path(subject):
        for kind in _MARKS:
            if subject in shipped(kind):
                return kind
        known = "; ".join(f"{kind}: {', '.join(shipped(kind))}" for kind in _MARKS)
        raise ConfigError(f"{subject}: no shipped robot, task or experiment; valid: a YAML file, or {known}")
    data = read_yaml(Path(subject)).data
    for kind, mark in _MARKS.items():
        if isinstance(data, dict) and mark in data:
            return kind
    raise ConfigError(
        f"{subject}: neither a robot, a task nor an experiment; valid: a YAML file with the key "
        f"{', '.join(_MARKS.values())}"
    )
