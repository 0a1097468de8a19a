"""Results of scenarios as a table for the terminal."""

from collections.abc import Sequence

from sim2real.runtime.hil.job import JobResult


def summary_table(results: Sequence[JobResult]) -> str:
    """Return one line a scenario: verdict and figures."""
    rows: list[tuple[str, ...]] = [("scenario", "verdict", "state", "goal", "held", "safety", "faults", "checks", "s")]
    rows += [_row(each) for each in results]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    failed = sum(not each.ok for each in results)
    return "\n".join([*lines, f"{len(results) - failed} of {len(results)} as expected"])


def _row(job: JobResult) -> tuple[str, ...]:
    result, wall = job.result, f"{job.wall_s:.1f}"
    if result is None:
        return (job.name, "not run", "-", "-", "-", "-", "-", "-", wall)
    report = result.report
    checks = f"{sum(each.ok for each in result.checks)}/{len(result.checks)}" if result.checks else "-"
    verdict = "ok" if result.ok else "failed"
    if report is None:
        return (job.name, verdict, result.final_state, "-", "-", "-", "0", checks, wall)
    return (
        job.name,
        verdict,
        result.final_state,
        {True: "reached", False: "missed", None: "-"}[report.goal_reached],
        str(report.held_ticks),
        str(report.interventions_total),
        str(result.faults_injected),
        checks,
        wall,
    )
