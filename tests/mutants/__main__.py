"""Runs the tests of the trusted core against each of its mutants: `make mutants`, or `python tests/mutants [MODULE…]`.

Each mutant is a fork of one process that has everything else imported, so that it costs little more than its tests. A
mutant is killed when a test fails, or when the tests take too long. Those that survive must be in `equivalent.txt`,
each with the reason why no test can tell it from the original.
"""

import functools
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import os
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import CodeType, ModuleType

import hypothesis
import mutations
import pytest
from reached_files import ROOT, reached_files

EQUIVALENT = Path(__file__).parent / "equivalent.txt"
SECONDS_MAX = 60  # of processor time, so that a busy machine kills no mutant; the tests take a few seconds

MODULES = {
    "safety": "runtime/safety.py",
    "limits": "runtime/limits.py",
    "verdict": "runtime/verdict.py",
    "states": "runtime/states.py",
    **{
        f"envelope.{path.stem}": f"runtime/envelope/{path.name}"
        for path in (ROOT / "runtime/envelope").glob("[a-z]*.py")
    },
}
"""File of each trusted module, below the root."""

TESTS = (
    *(f"tests/runtime/envelope/{path.name}" for path in sorted((ROOT / "tests/runtime/envelope").glob("test_*.py"))),
    "tests/runtime/test_safety.py",
    "tests/runtime/test_limits.py",
    "tests/runtime/test_impedance.py",
    "tests/runtime/test_states.py",
)
PROFILE = "mutants"
OPTIONS = (
    *("-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"),
    f"--hypothesis-profile={PROFILE}",  # conftest.py loads another one
)


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from changed source."""

    def __init__(self, module: str, code: CodeType, origin: str) -> None:
        self._module, self._code, self._origin = module, code, origin

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._module:
            return None
        return importlib.util.spec_from_loader(name, self, origin=self._origin)

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self._origin
        exec(self._code, module.__dict__)  # noqa: S102 - the point of this program


def main(only: list[str]) -> int:
    """Run all mutants; return the exit status."""
    unknown = [name for name in only if name not in MODULES]
    if unknown:
        print(f"no module {', '.join(unknown)}; valid: {', '.join(MODULES)}")
        return 2
    started = time.monotonic()
    os.chdir(ROOT)
    names = only or list(MODULES)
    _import_the_rest(names)
    known = {name for name in _equivalent() if name.split(" ")[0] in names or name.split(" ")[0] not in MODULES}
    alive: set[str] = set()
    total = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        if not all(pool.map(lambda name: _survives(name, _unchanged(name)), names)):
            raise SystemExit("the tests fail in a fork without any mutant: all mutants would seem to be killed")
        for name in names:
            mutants = list(mutations.mutants_of(Path(MODULES[name]).read_text()))
            lives = pool.map(functools.partial(_survives, name), mutants)
            survivors = {f"{name} {mutant.name}" for mutant, lived in zip(mutants, lives, strict=True) if lived}
            print(f"{name}: {_counts(len(mutants), survivors, known)}", flush=True)
            for survivor in sorted(survivors - known):
                print(f"survived: {survivor}", flush=True)
            alive |= survivors
            total += len(mutants)
    for name in sorted(known - alive):
        print(f"not a survivor any more, remove it from {EQUIVALENT.name}: {name}")
    print(f"{_counts(total, alive, known)}; {time.monotonic() - started:.0f} s")
    return 0 if alive == known else 1


def _counts(mutants: int, alive: set[str], known: set[str]) -> str:
    equivalent = len(alive & known)
    return (
        f"{mutants} mutants, {mutants - len(alive)} killed, {equivalent} equivalent, {len(alive) - equivalent} survived"
    )


def _unchanged(name: str) -> mutations.Mutant:
    """Return the module itself as a mutant."""
    return mutations.Mutant("module", "", "", 1, Path(MODULES[name]).read_text())


def _equivalent() -> set[str]:
    """Return the names of the equivalent mutants; lines that begin with # are the reasons of those that follow.

    Raises:
        SystemExit: A mutant has no reason, or stands there twice.
    """
    found: set[str] = set()
    reason = ""
    for line in EQUIVALENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            reason = line
        elif line and (not reason or line in found):
            raise SystemExit(f"{EQUIVALENT.name}: {line!r} {'stands there twice' if reason else 'has no reason'}")
        elif line:
            found.add(line)
    return found


def _import_the_rest(names: Sequence[str]) -> None:
    """Run the tests once, which imports everything; then forget the trusted modules and what imports them."""
    for folder in ("docs", "tests/rigs", "tests/system", "tests/runtime", "tests/runtime/envelope"):
        sys.path.insert(0, str(ROOT / folder))
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # one failure kills; nobody reads the smallest
    hypothesis.settings.register_profile(
        PROFILE, max_examples=30, derandomize=True, database=None, deadline=None, phases=phases
    )
    if _run_tests(sorted({test for name in names for test in _tests_of(name)})) != 0:
        raise SystemExit("the tests fail without any mutant")
    trusted = {ROOT / MODULES[name] for name in names}
    for name, module in list(sys.modules.items()):
        file = Path(getattr(module, "__file__", None) or "")
        ours = name.startswith("sim2real.") or file.is_relative_to(ROOT / "tests")
        if ours and file.suffix == ".py" and reached_files(file) & trusted:
            del sys.modules[name]
            package, _, own = name.rpartition(".")
            if package in sys.modules:
                vars(sys.modules[package]).pop(own, None)
    gc.freeze()  # what is imported by now is no garbage, and no fork has to look through it


def _tests_of(name: str) -> list[str]:
    """Return the tests that reach a trusted module; those with its name come first."""
    own = f"/test_{name.removeprefix('envelope.')}.py"
    tests = [test for test in TESTS if ROOT / MODULES[name] in reached_files(ROOT / test)]
    return sorted(tests, key=lambda test: (not test.endswith(own), "/envelope/" in test, test))


def _run_tests(tests: Sequence[str]) -> int:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return int(pytest.main([*OPTIONS, *tests]))


def _survives(name: str, mutant: mutations.Mutant) -> bool:
    """Run the tests against a mutant in a fork; tell whether all of them pass."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
        os._exit(_in_child(name, mutant))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _in_child(name: str, mutant: mutations.Mutant) -> int:
    try:
        module, file = f"sim2real.runtime.{name}", str(ROOT / MODULES[name])
        sys.meta_path.insert(0, _Mutated(module, compile(mutant.source, file, "exec"), file))
        importlib.import_module(module)  # before pytest, whose own importer may come first
        first, *others = _tests_of(name)  # most mutants need no more than the first
        return _run_tests([first]) or (_run_tests(others) if others else 0)
    except BaseException:  # noqa: BLE001 - a mutant that does not even run is dead
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
