"""Laws of streams without UTF-8: what they lack is written in ASCII, and never raises."""

import io
import sys

import pytest

from sim2real.cli import main
from sim2real.configs.plain_text import ERRORS, write_plainly


def written(text: str, encoding: str) -> bytes:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    write_plainly(stream, None)
    stream.write(text)
    stream.flush()
    return raw.getvalue()


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("p50 12 µs, 0.3 N·m, 30° → 40°, ± 2 …", "ascii", b"p50 12 us, 0.3 N*m, 30deg -> 40deg, +/- 2 ..."),
        ("30° → 40°", "latin-1", b"30\xb0 -> 40\xb0"),
        ("30° → 40°", "utf-8", "30° → 40°".encode()),
        ("a name: \udcff", "utf-8", b"a name: ?"),
    ],
)
def test_what_an_encoding_lacks_is_written_in_ascii(text: str, encoding: str, expected: bytes) -> None:
    assert written(text, encoding) == expected


def test_the_program_writes_so(monkeypatch: pytest.MonkeyPatch) -> None:
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2)]
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    monkeypatch.setattr(sys, "argv", ["sim2real", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert [stream.errors for stream in streams] == [ERRORS, ERRORS]
