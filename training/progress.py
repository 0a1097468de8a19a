"""Progress bar of a training run, on standard error."""

import math
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sim2real.configs.command_outcome import error_console
from sim2real.configs.stage import stages_hidden

_PARTS: Final = 1000  # of the bar


class TrainingProgress:
    """Progress bar over the steps or the time of a run, with return, success rate and steps per second."""

    def __init__(self, name: str, share: float, *, enabled: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}% {task.fields[figures]}"),
            TimeRemainingColumn(),
            console=error_console(),
            disable=not enabled,
            # Learners hold the GIL most of the time, so the bar is drawn rarely.
            refresh_per_second=4,
        )
        self._hidden = ExitStack()
        self._task = self._progress.add_task(name, total=_PARTS, completed=round(share * _PARTS), figures="")

    def __enter__(self) -> Self:
        self._hidden.enter_context(stages_hidden())
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()
        self._hidden.close()

    def show(self, share: float, episode_return: float, success: float, rate: float) -> None:
        """Show the state after an iteration.

        Args:
            share: Finished share of the run, from 0 to 1.
            episode_return: Mean return.
            success: Success rate.
            rate: Control steps per second.
        """
        successes = "" if math.isnan(success) else f"success {success:.0%}  "  # nothing finished, or none is defined
        figures = f"return {episode_return:.2f}  {successes}{rate / 1000.0:.1f}k steps/s"
        self._progress.update(self._task, completed=share * _PARTS, figures=figures)
