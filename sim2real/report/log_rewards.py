"""The rewards and metrics of a logged run, by the task that its policy was trained for."""

import json

from sim2real.configs.errors import UserError
from sim2real.configs.load import validate
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.yaml_source import parse_yaml
from sim2real.runtime.contract.manifest import PROVENANCE_KEY
from sim2real.runtime.log import RunLog
from sim2real.task.measured_run import MeasuredRun


def evaluated(log: RunLog) -> dict[str, float]:
    """Return the return of a run, its terms `reward/NAME` and its metrics, from the robot's measurements.

    Empty where the policy never ran, or the log does not say what it was trained for.

    Raises:
        UserError: The task cannot be loaded here, or a term needs what no robot measures.
        ValueError: The log's provenance is not as this version writes it.
    """
    text = json.loads(log.metadata.get(PROVENANCE_KEY) or "{}").get("experiment_yaml")
    run = MeasuredRun.of_log(log.ticks, log.contract)
    if text is None or not len(run.action):
        return {}
    task = validate(ExperimentConfig, parse_yaml(text, "provenance")).task
    figures = run.evaluate(task)
    if task.name != log.contract.task:
        raise UserError(f"the log is of task {log.contract.task!r}, its policy of {task.name!r}")
    shown = ("return", "reward/", "metric/")
    return {name: value for name, value in figures.items() if name.startswith(shown)}
