"""Laws of standard error: whatever becomes of it, the result and the exit status of a command are what they are."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import typer
from sim2real.configs.command_outcome import Json, Outcome, error_console, reports

app = typer.Typer()

@app.command()
@reports
def command(json_output: Json = False) -> Outcome:
    for _ in range(3):
        error_console().print("warning: " + "x" * 9000)
    return Outcome({"number": 1}, ok=False, reasons=("as asked",))

app()
"""
CLOSED = """
import os, sim2real.cli
try:
    sim2real.cli.main()
finally:
    os.write({told}, os.readlink("/proc/self/fd/{number}").encode())
"""


def full():
    return os.open("/dev/full", os.O_WRONLY)


def without_reader():
    read, write = os.pipe()
    os.close(read)
    return write


@pytest.mark.parametrize("made", [full, without_reader])
def test_a_standard_error_that_takes_nothing_costs_no_result(made):
    descriptor = made()
    try:
        command = [sys.executable, "-P", "-c", PROGRAM, "--json"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=descriptor)
    finally:
        os.close(descriptor)
    assert done.returncode == 1
    assert json.loads(done.stdout)["number"] == 1


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_stream_that_was_closed_is_no_other_file(number):
    # A serial port could get its number, and a motor bus what a library writes to standard error.
    read, told = os.pipe()
    inner = CLOSED.format(number=number, told=told)
    closing = f"import os, sys; os.close({number}); os.execv(sys.executable, [sys.executable, '-P', *sys.argv[1:]])"
    command = [sys.executable, "-P", "-c", closing, "-c", inner, "--version"]
    subprocess.run(command, stdout=subprocess.DEVNULL, pass_fds=(told,), timeout=60)
    os.close(told)
    with os.fdopen(read) as file:
        assert file.read() == os.devnull
