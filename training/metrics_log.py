"""Log of a run's metrics: one JSON line per iteration, and TensorBoard events."""

import json
import math
import time
from pathlib import Path
from types import TracebackType
from typing import Self

# Only the event writer: importing torch.utils.tensorboard takes 1.5 s.
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from sim2real.configs.errors import UserError
from sim2real.training.algorithms.interface import Metrics
from sim2real.training.checkpoint import write_atomically
from sim2real.training.metrics_file import read_metrics
from sim2real.training.run_folder import RunFolder


class MetricsLog:
    """Appends figures to `metrics.jsonl`, flushed line by line, and to a TensorBoard event file."""

    def __init__(self, run: RunFolder, *, after_iteration: int = 0, after_steps: int = 0) -> None:
        """Open the log; drop lines after `after_iteration`, written after the checkpoint to resume from."""
        self._path = run.metrics
        try:
            if run.metrics.exists():
                _keep_until(run.metrics, after_iteration)
            self._file = run.metrics.open("a", encoding="utf-8", buffering=1)
            self._events = EventFileWriter(str(run.path))
        except OSError as error:
            raise UserError(f"{run.metrics}: cannot be written: {error.strerror}") from error
        if after_steps:
            # TensorBoard drops events after this step.
            self._events.add_event(
                Event(wall_time=time.time(), step=after_steps + 1, session_log=SessionLog(status=SessionLog.START))
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._file.close()
            self._events.close()
        except OSError as problem:
            if error is None:
                raise UserError(f"{self._path}: cannot be written: {problem.strerror}") from problem

    def write(self, iteration: int, steps: int, metrics: Metrics) -> None:
        """Append one iteration; values that are not finite become null. Raises UserError if writing fails."""
        plain = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
        line = json.dumps({"iteration": iteration, "steps": steps, **plain}, allow_nan=False)
        values = [Summary.Value(tag=name, simple_value=value) for name, value in metrics.items()]
        try:
            self._file.write(line + "\n")
            self._events.add_event(Event(wall_time=time.time(), step=steps, summary=Summary(value=values)))
        except OSError as error:
            raise UserError(f"{self._path}: cannot be written: {error.strerror}") from error


def _keep_until(path: Path, iteration: int) -> None:
    kept = [line for line in read_metrics(path) if (line.get("iteration") or 0) <= iteration]
    write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
