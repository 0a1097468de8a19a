"""Laws of reading files: regular and of bounded size, or refused in words; nothing waits for a pipe."""

import os
from pathlib import Path

import pytest

from sim2real.configs.regular_file import read_regular


def test_a_regular_file_is_read_whole_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "file", 5) == read_regular(tmp_path / "link", 5) == b"12345"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pipe", "Not a regular file"),
        ("folder", "Is a directory"),
        ("large", "Larger than 4 bytes"),
        ("missing", "No such file or directory"),
        ("/dev/zero", "Not a regular file"),
    ],
)
def test_what_has_no_end_or_is_no_file_is_refused_in_words(name: str, words: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(b"12345")
    with pytest.raises(OSError) as caught:  # noqa: PT011 - its words follow
        read_regular(tmp_path / name, 4)
    assert caught.value.strerror == words
    assert caught.value.filename == str(tmp_path / name)
