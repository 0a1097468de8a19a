"""Runs the Python modules that a task names, and finds the terms that they declare.

A file is read once: the text that is digested is the text that runs. Its folder is not added to `sys.path`, and its
module name is made of its path and digest, so that two files with the same name do not collide.
"""

import hashlib
import importlib
import importlib.machinery
import importlib.util
import sys
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.abc import SourceLoader
from pathlib import Path
from types import ModuleType
from typing import Final

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.schema.module import ModuleConfig
from sim2real.task.declaration import declared_in
from sim2real.task.term import Term

_BYTES_MAX: Final = 1_000_000  # a module of terms has some thousand; a larger file is a mistake
_SHOWN: Final = 12  # digits of a digest that tell two texts apart


class ModuleFailedError(UserError):
    """A user's module raised an error while loading; the message ends with the traceback."""


@dataclass(frozen=True)
class TermModule:
    """A loaded module."""

    config: ModuleConfig
    text: bytes
    sha256: str
    """Digest of the text, hex digits."""
    terms: tuple[Term, ...]


_LOADED: dict[tuple[str, str], TermModule] = {}


def load_module(config: ModuleConfig) -> TermModule:
    """Return a module; it runs once per process and text.

    Raises:
        ConfigError: There is no such module, its text is not that of the recorded digest, or it declares nothing.
        ModuleFailedError: It raised an error.
    """
    if config.sha256 is not None and (config.module, config.sha256) in _LOADED:
        return _LOADED[config.module, config.sha256]
    path = Path(config.module) if config.is_path else _installed(config.module)
    text = _read(path)
    digest = hashlib.sha256(text).hexdigest()
    if config.sha256 not in (None, digest):
        raise ConfigError(
            f"{config.module} is not the text that is recorded: its sha256 begins with {digest[:_SHOWN]}, not "
            f"{str(config.sha256)[:_SHOWN]}; put the recorded text back, or remove `sha256` to use this one"
        )
    key = config.module, digest
    if key not in _LOADED:
        with redirect_stdout(sys.stderr):  # what it prints must not end up in a command's JSON
            module = _run(path, text, digest) if config.is_path else _import(config.module)
        terms = declared_in(module)
        if not terms:
            raise ConfigError(f"{config.module} declares no terms; see sim2real.task: reward, termination, metric, …")
        _LOADED[key] = TermModule(config, text, digest, terms)
    return _LOADED[key]


def forget_modules() -> None:
    """Clear the cache of loaded modules: the next load runs them again, as in a new process."""
    _LOADED.clear()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(_BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(text) > _BYTES_MAX:
        raise ConfigError(f"{path}: larger than {_BYTES_MAX} bytes: not a module of terms")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text") from error
    return text


def _installed(name: str) -> Path:
    """Return the file of an installed module; its packages are imported on the way."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _failed(name) from error  # the package is there, and what it imports is not
        spec = None
    except (Exception, SystemExit) as error:
        raise _failed(name) from error
    if spec is None or spec.origin is None or not spec.has_location:
        raise ConfigError(f"no module named {name!r} is installed; valid: a dotted name, or a path that ends in .py")
    return Path(spec.origin)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # a module must not end the program, or even with success
        raise _failed(name) from error


class _Text(SourceLoader):
    """Loads a module from text that was read already."""

    def __init__(self, path: Path, text: bytes) -> None:
        self._path, self._text = str(path), text

    def get_filename(self, fullname: str) -> str:
        """Return where the text was read."""
        return self._path

    def get_data(self, path: str | bytes) -> bytes:
        """Return the text. Raises OSError for all else, so that no compiled file is looked for."""
        if path != self._path:
            raise FileNotFoundError(path)
        return self._text


def _run(path: Path, text: bytes, digest: str) -> ModuleType:
    """Run a file under a name of its own."""
    name = f"sim2real_module_{hashlib.sha256(f'{path}:{digest}'.encode()).hexdigest()[:16]}_{path.stem}"
    spec = importlib.machinery.ModuleSpec(name, _Text(path, text), origin=str(path))
    spec.has_location = True
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and the declarations look their module up there
    try:
        if spec.loader is not None:
            spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, UserError) or not isinstance(error, Exception | SystemExit):
            raise
        raise _failed(str(path), _hint(error, path)) from error
    return module


def _hint(error: BaseException, path: Path) -> str:
    """Return the cure where a module failed because it imports a file beside it; otherwise an empty text."""
    if not isinstance(error, ImportError):
        return ""
    name = (error.name or "").partition(".")[0]
    beside = name and any((path.parent / each).exists() for each in (name, f"{name}.py"))
    if not (beside or "relative import" in str(error)):
        return ""
    return (
        "\na module that is named by its path cannot import the files beside it: install them as a package, and name "
        "the module by its dotted name"
    )


def _failed(name: str, hint: str = "") -> ModuleFailedError:
    return ModuleFailedError(f"module {name} failed to load:\n{traceback.format_exc().rstrip()}{hint}")
