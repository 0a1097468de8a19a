"""Results of scenarios as JUnit XML, which every CI system reads."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from sim2real.configs.errors import UserError
from sim2real.runtime.hil.job import JobResult


def write_junit(path: Path, results: Sequence[JobResult]) -> None:
    """Write one test case a scenario: a failure where an expectation was not met, an error where it cannot be run.

    Raises:
        UserError: The file cannot be written.
    """
    suite = Element(
        "testsuite",
        name="sim2real hil",
        tests=str(len(results)),
        failures=str(sum(each.result is not None and not each.ok for each in results)),
        errors=str(sum(each.result is None for each in results)),
        time=f"{sum(each.wall_s for each in results):.3f}",
    )
    for each in results:
        _add(suite, each)
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from error


def _add(suite: Element, job: JobResult) -> None:
    case = SubElement(suite, "testcase", classname=job.robot or "hil", name=job.name, time=f"{job.wall_s:.3f}")
    properties = SubElement(case, "properties")
    for name, value in _figures(job).items():
        SubElement(properties, "property", name=name, value=_printable(value))
    if job.ok:
        return
    kind = "error" if job.result is None else "failure"
    message = "; ".join(job.failures)
    where = f"\nkept in {job.evidence}" if job.evidence is not None else ""
    SubElement(case, kind, message=_printable(message)).text = _printable("\n".join(job.failures) + where)


def _figures(job: JobResult) -> dict[str, str]:
    figures = {"policy": job.policy}
    result = job.result
    if result is not None:
        figures |= {
            "final_state": result.final_state,
            "faults_injected": str(result.faults_injected),
            "plant": result.plant,
        }
        figures |= {"digest": result.digest} if result.digest else {}
        if result.report is not None:
            figures |= {
                "interventions": str(result.report.interventions_total),
                "held_ticks": str(result.report.held_ticks),
                "goal_reached": str(result.report.goal_reached),
            }
    return figures


def _printable(text: str) -> str:
    """Return text without control characters, which XML 1.0 does not allow."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
