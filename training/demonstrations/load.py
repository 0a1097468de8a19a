"""Loads demonstrations from files and folders, and holds their contract against the one to be learned for."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, get_args

from sim2real.configs.command_outcome import error_console
from sim2real.configs.errors import UserError
from sim2real.configs.schema.lerobot import LerobotConfig, LerobotUnits
from sim2real.runtime.contract.spec import Contract
from sim2real.training.demonstrations.array_file import SUFFIX, read_arrays
from sim2real.training.demonstrations.contract_difference import contract_difference
from sim2real.training.demonstrations.demonstrations import STEPS_MAX, Demonstrations
from sim2real.training.demonstrations.lerobot_dataset import read_lerobot
from sim2real.training.demonstrations.lerobot_info import INFO
from sim2real.training.demonstrations.run_log import read_run

_LOG: Final = ".mcap"


def load_demonstrations(
    paths: Sequence[str],
    contract: Contract | None,
    sizes: tuple[int, int],
    lerobot: LerobotConfig | None = None,
) -> Demonstrations:
    """Read demonstrations in the order given; of a folder all logs and arrays, by name.

    What is notable in a LeRobot data set is said on standard error.

    Args:
        paths: Logs of `sim2real run`, `.npz` files, folders of such, or LeRobot data sets.
        contract: What the policy to be learned observes and does; None where it is for no robot.
        sizes: O and A
        lerobot: How LeRobot data sets are read; required where there is one.

    Raises:
        UserError: One cannot be read or is damaged, says nothing, or was made with another contract or other sizes; or
            it is not said how it is read, or said where there is none.
    """
    parts: list[Demonstrations] = []
    steps = 0
    places = [Path(path) for path in paths]
    if lerobot is not None and not any(map(_is_lerobot, places)):
        raise UserError("algorithm.lerobot: there is no LeRobot data set among algorithm.demonstrations; valid: null")
    for part in _read(places, contract, lerobot):
        _check(part, contract, sizes)
        steps += len(part)
        if not steps <= STEPS_MAX:
            raise UserError(f"{part.source}: with it there are {steps} control steps; valid: up to {STEPS_MAX}")
        parts.append(part)
    return Demonstrations.joined(parts)


def _read(paths: Sequence[Path], contract: Contract | None, lerobot: LerobotConfig | None) -> Iterator[Demonstrations]:
    read: set[Path] = set()  # the parts of a log are read with the first one
    for path in paths:
        if _is_lerobot(path):
            yield _from_lerobot(path, contract, lerobot)
            continue
        for file in _files(path):
            if file.suffix == SUFFIX:
                yield read_arrays(file)
            elif file.resolve() not in read:
                demonstrations, files = read_run(file)
                read.update(each.resolve() for each in files)
                yield demonstrations


def _is_lerobot(path: Path) -> bool:
    return (path / INFO).is_file()


def _from_lerobot(path: Path, contract: Contract | None, lerobot: LerobotConfig | None) -> Demonstrations:
    if contract is None:
        raise UserError(
            f"{path}: is a LeRobot data set, of a robot's joints; valid here: {SUFFIX} files without contract"
        )
    if lerobot is None:
        units = ", ".join(get_args(LerobotUnits))
        raise UserError(
            f"{path}: is a LeRobot data set, which does not say its units; valid: one of {units} in "
            "algorithm.lerobot.units, as docs/howto/demonstrations.md shows"
        )
    demonstrations, notes = read_lerobot(path, lerobot, contract)
    for note in notes:
        error_console().print(f"note: {note}", markup=False)
    return demonstrations


def _files(path: Path) -> list[Path]:
    """Return the files of a path: itself, or what a folder has. Raises UserError."""
    try:
        if not path.is_dir():
            if path.suffix not in (_LOG, SUFFIX):
                raise UserError(
                    f"{path}: no demonstrations: valid: {_LOG}, {SUFFIX}, a folder of such files, or a LeRobot data set"
                )
            return [path]
        files = sorted(file for file in path.iterdir() if file.suffix in (_LOG, SUFFIX))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if not files:
        raise UserError(
            f"{path}: no demonstrations in this folder; valid: {_LOG} and {SUFFIX} files, or a LeRobot data set with "
            f"{INFO}"
        )
    return files


def _check(part: Demonstrations, contract: Contract | None, sizes: tuple[int, int]) -> None:
    """Refuse what was made for something else."""
    if contract is None:
        if part.contract is not None:
            raise UserError(
                f"{part.source}: is of the task {part.contract.task!r} of a robot, and what is learned is no robot's"
            )
        found = part.observation.shape[1], part.action.shape[1]
        if found != sizes:
            raise UserError(
                f"{part.source}: {found[0]} observation values and {found[1]} actions; valid here: {sizes[0]} and "
                f"{sizes[1]}"
            )
        return
    if part.contract is None:
        raise UserError(
            f"{part.source}: has no contract, so nothing says what its numbers are; valid: the array 'contract' beside "
            "the others, as docs/howto/demonstrations.md shows"
        )
    if (difference := contract_difference(part.contract, contract)) is not None:
        raise UserError(f"{part.source}: was made with another contract: {difference}; valid: the same")
