"""The modules of a task that a run keeps, so that it goes on and is evaluated with the text it was trained with.

A run folder has them in `modules/`, a checkpoint has them too, and the experiment names each with the digest of its
text. A file of the user's is run from that copy from then on. An installed module cannot be run from a copy: it must
have the recorded text.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from sim2real.configs.errors import ConfigError, UserError
from sim2real.configs.schema.experiment import ExperimentConfig
from sim2real.configs.schema.module import ModuleConfig
from sim2real.task.module import load_module
from sim2real.task.terms import Terms
from sim2real.training.checkpoint import write_atomically

FOLDER: Final = "modules"
"""Where a run has its modules."""

_DIGITS: Final = 12  # of a digest: two texts of one name get two files


def recorded(experiment: ExperimentConfig) -> ExperimentConfig:
    """Return an experiment whose modules are named with the digests of their texts; they are run for that.

    Raises:
        UserError: A module is missing, failed, or is not the text that is recorded already.
    """
    loaded = [(module, load_module(module)) for module in experiment.task.modules]
    found = _with(experiment, [module.model_copy(update={"sha256": ran.sha256}) for module, ran in loaded])
    Terms.of(found.task)  # refuses names that are declared twice
    return found


def texts_of(experiment: ExperimentConfig) -> dict[str, str]:
    """Return the texts of an experiment's modules by the names of the files that keep them."""
    return {_file_name(module): load_module(module).text.decode() for module in experiment.task.modules}


def as_kept(experiment: ExperimentConfig) -> ExperimentConfig:
    """Return a recorded experiment as a run writes it: files of the user's are those beside it, wherever it moves."""
    return _with(
        experiment,
        [
            module.model_copy(update={"module": str(PurePosixPath(FOLDER, _file_name(module)))})
            if module.is_path
            else module
            for module in experiment.task.modules
        ],
    )


def keep(folder: Path, texts: Mapping[str, str]) -> None:
    """Write modules into a run folder where they are not there yet.

    Args:
        folder: The run.
        texts: As `texts_of` returned them.

    Raises:
        UserError: One is there with another text, a name is no file name, or writing fails.
    """
    for name, text in texts.items():
        path = folder / FOLDER / name
        if path.name != name:
            raise UserError(f"{folder}: the checkpoint keeps a module under {name!r}, which is no file name")
        try:
            path.parent.mkdir(exist_ok=True)
            if not path.exists():
                write_atomically(path, text.encode())
            elif hashlib.sha256(path.read_bytes()).digest() != hashlib.sha256(text.encode()).digest():
                raise UserError(
                    f"{path}: is not the text that the run was trained with; delete it, and the run puts that text back"
                )
        except OSError as error:
            raise UserError(f"{path}: cannot be kept: {error.strerror}") from error


def located(experiment: ExperimentConfig, path: Path) -> ExperimentConfig:
    """Return an experiment whose modules are those kept in a run's folder, or beside a policy, wherever one is kept.

    Args:
        experiment: As a run or an exported policy has it.
        path: Folder of the run, or file of the policy.

    Raises:
        UserError: A module is missing, failed, or has another text than recorded.
    """
    folder = path if path.is_dir() else path.parent
    found = _with(experiment, [_located(module, folder.resolve()) for module in experiment.task.modules])
    try:
        Terms.of(found.task)
    except ConfigError as error:
        cure = f"a run keeps the text in its folder {FOLDER}/"
        raise UserError(f"{path}: {error}; {cure}{'' if path.is_dir() else ': copy that beside the policy'}") from error
    return found


def _located(module: ModuleConfig, folder: Path) -> ModuleConfig:
    if not module.is_path:
        return module
    copy = folder / FOLDER / _file_name(module) if module.sha256 is not None else folder / module.module
    if copy.is_file() or not Path(module.module).is_absolute():
        return module.model_copy(update={"module": str(copy)})
    return module


def _file_name(module: ModuleConfig) -> str:
    """Return the name of the file that keeps a module; the same for a module that is kept already."""
    ending = f"-{(module.sha256 or load_module(module).sha256)[:_DIGITS]}"
    name = Path(module.module).stem if module.is_path else module.module
    return f"{name.removesuffix(ending)}{ending}.py"


def _with(experiment: ExperimentConfig, modules: list[ModuleConfig]) -> ExperimentConfig:
    if tuple(modules) == experiment.task.modules:
        return experiment
    task = experiment.task.model_copy(update={"modules": tuple(modules)})
    return experiment.model_copy(update={"task": task})
