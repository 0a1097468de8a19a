"""Reads a run's `metrics.jsonl`, without torch and TensorBoard."""

import json
from pathlib import Path


def read_metrics(path: Path) -> list[dict[str, float | None]]:
    """Return the lines of a `metrics.jsonl`; an incomplete last line is left out."""
    lines: list[dict[str, float | None]] = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines
