"""A controller with the reference receiver, compiled from examples/controller and run behind a pseudo-terminal."""

import os
import shutil
import subprocess
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2] / "examples" / "controller"
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wno-sign-conversion", "-O2")


def compiled(folder: Path) -> Path:
    """Compile the emulator, without a warning."""
    program = folder / "emulator"
    subprocess.run(
        [str(COMPILER), *STRICT, str(SOURCES / "emulator.c"), str(SOURCES / "receiver.c"), "-o", str(program)],
        check=True,
    )
    return program


@contextmanager
def powered(program: Path, memory: Path, cut: int = 0) -> Iterator[str]:
    """Give a controller power, and yield its port; it loses it in its n-th write or erasure."""
    near, far = os.openpty()
    tty.setraw(far)
    child = subprocess.Popen([program, memory, *([str(cut)] if cut else [])], stdin=near, stdout=near)
    os.close(near)  # the port is gone with the program
    try:
        yield os.ttyname(far)
    finally:
        child.kill()
        child.wait()
        os.close(far)
