"""Law of outputs: what a command reads is still there when it has written."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim2real.commands.root import app


@pytest.mark.parametrize("command", ["support", "report"])
@pytest.mark.parametrize("name", ["run.mcap", "link.mcap"])
def test_a_log_is_not_replaced_by_what_is_made_of_it(command: str, name: str, tmp_path: Path) -> None:
    log = tmp_path / "run.mcap"
    log.write_bytes(b"a log")
    os.link(log, tmp_path / "link.mcap")
    result = CliRunner().invoke(app, [command, str(log), "-o", str(tmp_path / name)])
    assert result.exit_code == 1
    assert "is what is read, and would be lost; name another file" in result.stderr
    assert log.read_bytes() == b"a log"
