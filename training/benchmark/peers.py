"""Other projects' learners, installed into a virtual environment of their own, which sees our libraries.

So both sides compute with the same torch, MuJoCo and Gymnasium, and our own environment stays as it is.
"""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Final

from sim2real.configs.errors import UserError

PACKAGES: Final = {
    "stable_baselines3": "stable-baselines3>=2.9",
    "sb3_contrib": "sb3-contrib>=2.9",
    "rsl_rl": "rsl-rl-lib>=5.5",
}
"""Requirement of each peer, by the name of its module."""

_INSTALL_S: Final = 1800.0


def python_with(names: list[str], folder: Path) -> Path:
    """Return an interpreter that has some peers; they are installed where they are missing.

    Args:
        names: Of `PACKAGES`.
        folder: Of the virtual environment; made where there is none.

    Raises:
        UserError: It cannot be made, or pip fails.
    """
    python = folder / "bin" / "python"
    if not names:
        return Path(sys.executable)
    try:
        if not python.is_file():
            venv.create(folder, with_pip=True)
        purelib = _asked(python, "import sysconfig; print(sysconfig.get_path('purelib'))")
        ours = sysconfig.get_path("purelib")
        Path(purelib, "sim2real_host.pth").write_text(f"import site; site.addsitedir({ours!r})\n", encoding="utf-8")
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(f"{folder}: no virtual environment could be made for the peers: {error}") from error
    missing = [PACKAGES[name] for name in names if not _has(python, name)]
    if missing:
        _install(python, missing)
    return python


def _install(python: Path, requirements: list[str]) -> None:
    command = [str(python), "-m", "pip", "install", "--quiet", *requirements]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)  # noqa: S603 - pip
    except subprocess.TimeoutExpired as error:
        raise UserError(f"pip install {' '.join(requirements)}: not done after {_INSTALL_S:g} s") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"pip install {' '.join(requirements)}: {last}; measure without them: --peers none")


def _has(python: Path, name: str) -> bool:
    return _asked(python, f"from importlib.util import find_spec; print(find_spec({name!r}) is not None)") == "True"


def _asked(python: Path, code: str) -> str:
    """Return what a line of Python prints."""
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    return done.stdout.strip()
