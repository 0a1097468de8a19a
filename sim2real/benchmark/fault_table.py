"""The table of a fault campaign: one row a case, with the worst time from the fault to the safe state."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sim2real.benchmark.fault_result import ScenarioResult

_COLUMNS = ("case", "scenarios", "running", "latched", "refused", "problems", "worst s", "median s")


def table(results: Iterable[ScenarioResult]) -> list[dict[str, Any]]:
    """Return the rows, in alphabetical order; a scenario with two cases counts for both, its time for neither.

    `safe_s_max` and `safe_s_median` are from the start of the fault until no motor that hears was driven, over the
    runs that latched; None if none did.
    """
    by_case: dict[str, list[ScenarioResult]] = {}
    for result in results:
        for case in dict.fromkeys(result.cases):
            by_case.setdefault(case, []).append(result)
    return [_row(case, found) for case, found in sorted(by_case.items())]


def problem_counts(results: Iterable[ScenarioResult]) -> dict[str, int]:
    """Return how many scenarios had each kind of problem."""
    counts: Counter[str] = Counter()
    for result in results:
        counts.update({kind_of(problem) for problem in result.problems})
    return dict(counts.most_common())


def kind_of(problem: str) -> str:
    """Return the kind of a problem: its words before the figures."""
    text = problem.partition(" s ")[2] if problem[:1].isdigit() else problem
    return text.partition(":")[0].partition(" although ")[0].partition(" (")[0]


def text_of(rows: Sequence[dict[str, Any]]) -> str:
    """Return the table as text."""
    cells = [_COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in cells
    ]
    return "\n".join(lines)


def _row(case: str, results: list[ScenarioResult]) -> dict[str, Any]:
    times = sorted(
        r.safe_s for r in results if r.safe_s is not None and len(r.cases) == 1 and r.moment != "after_fault"
    )
    ended = Counter(result.ended for result in results)
    latched, refused = ended["FAULT"] + ended["ESTOP"], ended["refused"] + ended["raised"]
    return {
        "case": case,
        "scenarios": len(results),
        "running": len(results) - latched - refused,
        "latched": latched,
        "refused": refused,
        "problems": sum(bool(result.problems) for result in results),
        "safe_s_max": times[-1] if times else None,
        "safe_s_median": times[len(times) // 2] if times else None,
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(_shown(value) for value in row.values())


def _shown(value: Any) -> str:  # noqa: ANN401 - a cell
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
