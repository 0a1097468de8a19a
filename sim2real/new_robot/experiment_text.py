"""Makes the first experiment of a task: as the shipped one of that task, or with settings that fit its rate."""

from collections.abc import Iterator
from typing import Final

from sim2real.configs.library import ROOT, shipped
from sim2real.configs.load import load_experiment
from sim2real.configs.schema.algorithm import ALGORITHMS
from sim2real.configs.schema.off_policy import OffPolicyConfig
from sim2real.configs.schema.task import TaskConfig

_HORIZON: Final = 1.0
"""s of the future that counts: the discount of a reward so much later is 1/e."""
_HEAD: Final = ("name:", "description:")


def new_experiment(task: TaskConfig, reference: str, name: str, algorithm: str, randomization: str) -> tuple[str, str]:
    """Return the text of an experiment, and what it was made from.

    Args:
        task: The task to learn.
        reference: The same, as the file is to name it.
        name: Name of the experiment.
        algorithm: Learning algorithm.
        randomization: Randomisation of the world, as the file is to name it.
    """
    source = _shipped_for(task, algorithm)
    head = [
        f"# Draft made by `sim2real new experiment {reference} --algorithm {algorithm}`; it trains as it is.",
        f"name: {name}",
        f"description: {task.name} with {algorithm}.",
    ]
    if source is not None and reference == task.name:
        text = (ROOT / "experiments" / f"{source}.yaml").read_text(encoding="utf-8")
        return "\n".join((*head, *(line for line in text.splitlines() if not line.startswith(_HEAD)))) + "\n", source
    lines = [*head, f"task: {reference}", f"randomization: {randomization}", *_settings(task, algorithm)]
    return "\n".join(lines) + "\n", "settings that fit most tasks"


def fitting_randomization(task: TaskConfig) -> str:
    """Return the shipped randomisation of a task's robot; `none` where there is none."""
    return task.robot.name if task.robot.name in shipped("randomization") else "none"


def _shipped_for(task: TaskConfig, algorithm: str) -> str | None:
    for name in shipped("experiments"):
        experiment = load_experiment(name)
        if experiment.task.name == task.name and experiment.algorithm.name == algorithm:
            return name
    return None


def _settings(task: TaskConfig, algorithm: str) -> Iterator[str]:
    config = ALGORITHMS[algorithm].config
    keys = f"name: {algorithm}"
    if "discount" in config.model_fields:
        keys += f", discount: {1.0 - 1.0 / (task.control_rate * _HORIZON):.3g}"
    environments, steps = (64, 200_000) if issubclass(config, OffPolicyConfig) else (256, 1_000_000)
    yield f"algorithm: {{{keys}}}"
    yield f"environments: {environments}"
    yield f"steps: {steps}"
    yield "seed: 0"
