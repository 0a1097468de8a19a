"""Detects diverged simulations and saves the state before the failing step, so that it can be reproduced."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import mujoco
import numpy as np
from mujoco.batch import Batch

from sim2real.configs.errors import UserError
from sim2real.hardware.types import Float64Array
from sim2real.model.addresses import Indices
from sim2real.model.mujoco_warnings import count_warnings

_NONE: Final[Indices] = np.zeros(0, np.intp)
_SAVED_MAX: Final = 8  # per run: divergences of one run resemble each other
_BAD_STATES: Final = (
    mujoco.mjtWarning.mjWARN_BADQPOS,
    mujoco.mjtWarning.mjWARN_BADQVEL,
    mujoco.mjtWarning.mjWARN_BADQACC,
    mujoco.mjtWarning.mjWARN_BADCTRL,
)
"""MuJoCo counts these where a state or a control is NaN or larger than 1e10. It resets the simulation, or sets its
controls to zero, and goes on."""


class Divergence:
    """Detects diverged simulations; keeps the state before each control step.

    Args:
        batch: The simulations.
        decimation: Physics steps per control step.
    """

    def __init__(self, batch: Batch, decimation: int) -> None:
        count_warnings()
        self._batch, self._decimation = batch, decimation
        self._bad_states = batch.warning[:, int(_BAD_STATES[0]) : int(_BAD_STATES[-1]) + 1, 1]
        self._qpos: Float64Array = batch.bind("qpos")
        self._qvel: Float64Array = batch.bind("qvel")
        self._before = batch.state.copy()
        self.folder: Path | None = None
        """Folder for saved states; None saves nothing."""
        self.saved: list[Path] = []

    def snapshot(self) -> None:
        """Copy the state before a step, unless no more may be saved."""
        if self.folder is not None and len(self.saved) < _SAVED_MAX:
            np.copyto(self._before, self._batch.state)

    def find(self, failed: Indices | None) -> Indices:
        """Return the indices of diverged simulations: not finite, reset by MuJoCo, or in `failed`.

        Args:
            failed: Simulations that MuJoCo refused to step.
        """
        # Fast path: two sums show that everything is finite, as it nearly always is.
        if failed is None and not self._bad_states.any() and math.isfinite(self._qpos.sum() + self._qvel.sum()):
            return _NONE
        finite = np.isfinite(self._qpos).all(axis=1) & np.isfinite(self._qvel).all(axis=1)
        finite &= ~self._bad_states.any(axis=1)
        if failed is not None:
            finite[failed] = False
        broken = np.flatnonzero(~finite)
        if len(broken):
            self._bad_states[broken] = 0
        return broken

    def save(self, index: int, record: dict[str, Any]) -> None:
        """Write one simulation's state before its last step, its model and its episode record.

        Raises:
            UserError: The files cannot be written.
        """
        if self.folder is None or len(self.saved) >= _SAVED_MAX:
            return
        path = self.folder / f"diverged_{len(self.saved)}.npz"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".mjb").write_bytes(_model_bytes(self._batch.get_model(index)))
            with path.open("wb") as file:
                np.savez(
                    file,
                    state=self._before[index, : self._batch.nstate],
                    steps=np.array(self._decimation),
                    record=np.array(json.dumps(record)),
                )
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror}") from error
        self.saved.append(path)


def _model_bytes(model: mujoco.MjModel) -> bytes:
    """Return a model in MuJoCo's binary format; MuJoCo's own file writing does not report failure."""
    buffer = np.zeros(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()


@dataclass(frozen=True)
class SavedStep:
    """A saved control step in which a simulation diverged."""

    model: mujoco.MjModel
    state: Float64Array
    """MuJoCo's integration state at the start of the step."""
    physics_steps: int
    """Physics steps per control step."""
    record: dict[str, Any]
    """Parameters, seed and step of the episode."""

    def begin(self) -> mujoco.MjData:
        """Return the simulation at the start of the step."""
        data = mujoco.MjData(self.model)
        mujoco.mj_setState(self.model, data, self.state, mujoco.mjtState.mjSTATE_INTEGRATION)
        return data


@dataclass(frozen=True)
class Reproduction:
    """Result of repeating a control step that diverged."""

    diverged: bool
    physics_step: int
    """First physics step of the control step, from 0, with a state that is not finite; the last step if none."""
    largest_velocity: float
    """Largest absolute velocity of any degree of freedom up to that step, rad/s or m/s."""
    fastest_joint: str
    """Name of its joint in the model; empty if all velocities were zero."""
    record: dict[str, Any]
    """Parameters, seed and step of the episode."""


def load_step(path: Path) -> SavedStep:
    """Read a saved divergence.

    Raises:
        UserError: The files are missing or damaged.
    """
    count_warnings()
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            state, steps, record = saved["state"], int(saved["steps"]), json.loads(str(saved["record"]))
        model = mujoco.MjModel.from_binary_path(str(path.with_suffix(".mjb")))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise UserError(f"{path}: not a saved divergence: {error}") from error
    return SavedStep(model, state, steps, record)


def reproduce(path: Path) -> Reproduction:
    """Repeat the control step of a saved divergence, physics step by physics step.

    Raises:
        UserError: The files are missing or damaged.
    """
    saved = load_step(path)
    model, data = saved.model, saved.begin()
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
    largest, fastest = 0.0, ""
    for step in range(saved.physics_steps):
        speed = np.abs(data.qvel)
        if np.isfinite(speed).all() and speed.max(initial=0.0) > largest:
            largest, fastest = float(speed.max()), model.joint(int(model.dof_jntid[speed.argmax()])).name
        try:
            mujoco.mj_step(model, data)
        except mujoco.FatalError:
            return Reproduction(True, step, largest, fastest, saved.record)
        finite = np.isfinite(data.qpos).all() and np.isfinite(data.qvel).all() and np.isfinite(data.qacc).all()
        if not finite or any(data.warning[kind].number for kind in _BAD_STATES):
            return Reproduction(True, step, largest, fastest, saved.record)
    return Reproduction(False, saved.physics_steps - 1, largest, fastest, saved.record)
