"""The metrics of a task, made for n environments."""

from sim2real.configs.errors import ConfigError
from sim2real.configs.schema.task import TaskConfig
from sim2real.task.measurement import Metric
from sim2real.task.state import TaskConstants
from sim2real.task.terms import Terms


def make_metrics(task: TaskConfig, n: int, constants: TaskConstants) -> list[Metric]:
    """Return the metrics of n environments.

    Raises:
        ConfigError: A metric is unknown, or two have a figure of one name.
    """
    terms = Terms.of(task).metrics
    metrics, owners = [], dict[str, str]()
    for name in task.metrics:
        metric = terms[name].function(n, constants)
        for figure in metric.names:
            other = owners.setdefault(figure, name)
            if other != name:
                raise ConfigError(f"task {task.name!r}: the metrics {other} and {name} both have a figure {figure!r}")
        metrics.append(metric)
    return metrics
