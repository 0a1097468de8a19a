"""Results of a fault campaign on disk: a line each as it comes, so that what was interrupted goes on."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

from sim2real.benchmark.fault_result import ScenarioResult
from sim2real.configs.errors import UserError

_FORMAT: Final = 1


class ResultFile:
    """A file of JSON lines: the campaign, then one result a line.

    A line is whole once its end is written. What `kill -9` or a full disk cut off is taken away when the file is opened
    again, and its scenario runs anew.

    Args:
        path: The file; made if there is none.
        seed: Of the campaign.
        plants: Plants of the campaign.

    Raises:
        UserError: The file is of another campaign, is no such file, or cannot be written.
    """

    def __init__(self, path: Path, seed: int, plants: Sequence[str]) -> None:
        self._path = path
        self.results: dict[str, ScenarioResult] = {}
        """Results that were there already, by id."""
        head = {"bench": "faults", "format": _FORMAT, "seed": seed, "plants": list(plants)}
        try:
            whole = self._read(head)
            self._file = path.open("ab")
            self._file.truncate(whole)
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}") from error
        if not whole:
            self._write(head)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, result: ScenarioResult) -> None:
        """Write a result. Raises UserError if that fails."""
        self._write(result.document())

    def _write(self, document: dict[str, Any]) -> None:
        try:
            self._file.write(json.dumps(document).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise UserError(f"{self._path}: {error.strerror}; what it has is kept") from error

    def _read(self, head: dict[str, Any]) -> int:
        """Read what is there; return the bytes of its whole lines."""
        if not self._path.exists():
            return 0
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        lines = data[:whole].splitlines()
        if not lines:
            if data and not json.dumps(head).encode().startswith(data):
                raise UserError(f"{self._path}: no results of a fault campaign; give another --output")
            return 0
        try:
            found, *results = [json.loads(line) for line in lines]
            if found != head:
                raise UserError(
                    f"{self._path}: of another campaign ({_named(found)}; this one: {_named(head)}); "
                    "give another --output"
                )
            self.results = {result["id"]: ScenarioResult.of(result) for result in results}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(f"{self._path}: no results of a fault campaign; give another --output") from error
        return whole


def _named(head: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in head.items() if key != "bench")
