"""Progress of many scenarios, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sim2real.configs.command_outcome import error_console
from sim2real.runtime.hil.job import JobResult


@contextmanager
def progress(total: int) -> Iterator[Callable[[JobResult], None]]:
    """Yield what shows each result as it arrives: a bar on a terminal, else one line each."""
    console = error_console()
    if not console.is_terminal:
        yield lambda each: console.print(f"{each.name}: {'ok' if each.ok else 'failed'}", markup=False)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("scenarios"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console) as bar:
        task, failed = bar.add_task("", total=total), [0]

        def show(each: JobResult) -> None:
            failed[0] += not each.ok
            bar.update(task, advance=1, description=f"{failed[0]} failed, {each.name}" if failed[0] else each.name)

        yield show
