"""Golden vectors: what the policy saw and answered in its own world, held against the imported one.

A difference is named: which value, and what it would be for another scale, order or pose.
"""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from sim2real.configs.errors import UserError
from sim2real.configs.regular_file import open_regular
from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.observation import ObservationPipeline
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract
from sim2real.training.foreign.contract import Layout

GOLDEN_MAX: Final = 1e-6
"""Largest difference, as a share of the largest value of its kind or of 1."""
_TICKS_MAX: Final = 100_000
_SIGNALS: Final = ("joint_position", "joint_velocity", "joint_effort", "angular_velocity", "orientation", "command")


@dataclass(frozen=True)
class Golden:
    """Ticks of one episode, from its first on; in the policy's own order of joints."""

    path: Path
    observation: Float64Array
    """(n, O)"""
    action: Float64Array
    """(n, A), as the network answers."""
    signals: dict[str, Float64Array]
    """What was measured, by the names of `Signals`, (n, …); empty if that was not recorded."""
    joint_names: tuple[str, ...] = ()
    """Order of the joints in the signals; the policy's if there is none. With it a wrong order shows."""


def read_golden(path: Path) -> Golden:
    """Read a JSON object of lists, or an .npz file of arrays; `joint_names` may be among them.

    Raises:
        UserError: It cannot be read, `observation` or `action` is missing, a name is unknown, or lengths differ.
    """
    try:
        if path.suffix == ".npz":
            with open_regular(path) as file, np.load(file, allow_pickle=False) as data:
                raw: dict[str, Any] = {name: data[name] for name in data.files}
        else:
            raw = _json(path)
        names = tuple(map(str, raw.pop("joint_names", ())))
        arrays = {name: np.array(values, np.float64) for name, values in raw.items()}
    except (OSError, ValueError, TypeError, KeyError, RecursionError, EOFError, BadZipFile, zlib.error) as error:
        raise UserError(f"{path}: no golden vectors: {error}") from error
    missing = [name for name in ("observation", "action") if name not in arrays]
    unknown = [name for name in arrays if name not in ("observation", "action", *_SIGNALS)]
    if missing or unknown:
        what = f"{missing[0]!r} is missing" if missing else f"{unknown[0]!r} is not known"
        raise UserError(f"{path}: {what}; valid: observation, action, and any of {', '.join(_SIGNALS)}")
    lengths = {name: len(values) if values.ndim > 1 else 0 for name, values in arrays.items()}
    if len(set(lengths.values())) != 1 or not 0 < lengths["action"] <= _TICKS_MAX:
        raise UserError(
            f"{path}: ticks {lengths}; valid: two axes each, the same number of ticks, from 1 to {_TICKS_MAX}"
        )
    if not all(np.isfinite(values).all() for values in arrays.values()):
        raise UserError(f"{path}: a number is not finite")
    observation, action = arrays.pop("observation"), arrays.pop("action")
    return Golden(path, observation, action, arrays, names)


def check_golden(golden: Golden, contract: Contract, layout: Layout, actions: Float64Array) -> float:
    """Return the largest difference, as a share.

    Args:
        golden: The vectors.
        contract: Of the imported policy.
        layout: Of its observation.
        actions: Of the imported policy for the golden observations, (n, A), in the policy's order of joints.

    Raises:
        UserError: A difference exceeds `GOLDEN_MAX`; says which value and why it may be.
    """
    joints = [contract.joint_names[at] for at in layout.joints]
    largest = 0.0
    if golden.signals:
        found = _observations(golden, contract, layout)
        largest = _require(golden.path, "observation", golden.observation, found, layout.names)
    return max(largest, _require(golden.path, "action", golden.action, actions, tuple(joints)))


def to_contract(observation: Float64Array, layout: Layout) -> Float64Array:
    """Return observations of the policy, (n, O), as the contract has them."""
    ours = np.zeros_like(observation)
    ours[:, layout.index] = (observation - layout.offset) / layout.factor
    return ours


def _observations(golden: Golden, contract: Contract, layout: Layout) -> Float64Array:
    """Return what the contract observes of the golden signals, (n, O), as the policy sees it."""
    needed = {"joint_position": "joint_position", "joint_velocity": "joint_velocity", "joint_effort": "joint_effort"}
    needed |= {"gyro": "angular_velocity", "projected_gravity": "orientation", "command": "command"}
    wanted = {needed[term.term] for term in contract.observation if term.term in needed}
    if missing := sorted(wanted - set(golden.signals)):
        raise UserError(f"{golden.path}: signals for the observation are missing: {', '.join(missing)}")
    observing, acting = ObservationPipeline(contract, 1), ActionPipeline(contract, 1)
    rows = []
    for tick in range(len(golden.observation)):
        signals = _signals(golden, contract, layout, tick)
        rows.append(observing.observe(signals, acting.last_action)[0].astype(np.float64))
        action = np.zeros((1, contract.action_size), np.float32)
        action[0, layout.joints] = golden.action[tick]
        acting.apply(action)
    return np.array(rows)[:, layout.index] * layout.factor + layout.offset


def _signals(golden: Golden, contract: Contract, layout: Layout, tick: int) -> Signals:
    signals = Signals.of(contract, 1)
    signals.clock[0] = tick / contract.control_rate
    for name, values in golden.signals.items():
        target, given = getattr(signals, name), values[tick]
        if given.size != target.size:
            raise UserError(f"{golden.path}: {name} has {given.size} values, this robot has {target.size}")
        if name.startswith("joint_"):
            target[0, layout.joints] = layout.signs * given[_order(golden, layout)]
        else:
            target[0] = given.reshape(target.shape[1:])
    return signals


def _order(golden: Golden, layout: Layout) -> list[int]:
    """Return where each joint of the policy is in the golden signals."""
    recorded = golden.joint_names or layout.joint_names
    if sorted(recorded) != sorted(layout.joint_names):
        raise UserError(f"{golden.path}: joint_names {', '.join(recorded)}; valid: {', '.join(layout.joint_names)}")
    return [recorded.index(name) for name in layout.joint_names]


def _require(path: Path, what: str, golden: Float64Array, found: Float64Array, names: tuple[str, ...]) -> float:
    if golden.shape != found.shape:
        raise UserError(f"{path}: {what} has {golden.shape[1]} values; the policy has {found.shape[1]}")
    share = np.abs(golden - found) / max(1.0, float(np.abs(golden).max()))
    largest = float(share.max())
    if largest <= GOLDEN_MAX:
        return largest
    tick, at = (int(index[0]) for index in np.nonzero(~(share <= GOLDEN_MAX)))
    raise UserError(
        f"{path}: {what} {at} ({names[at]}) of tick {tick} is {golden[tick, at]:.9g}, the imported policy gives "
        f"{found[tick, at]:.9g}{_why(golden, found, at, names)}"
    )


def _why(golden: Float64Array, found: Float64Array, at: int, names: tuple[str, ...]) -> str:
    """Return what would explain a difference of one column: a factor, a shift, or another column's values."""
    ours, theirs = found[:, at], golden[:, at]
    tolerance = GOLDEN_MAX * max(1.0, float(np.abs(golden).max()))
    others = [
        index for index in range(found.shape[1]) if index != at and np.abs(found[:, index] - theirs).max() <= tolerance
    ]
    if others and np.abs(theirs).max() > tolerance:
        return f": it is the value of {names[others[0]]}, so the order is another one"
    moved = float(np.abs(ours).max())
    if moved > tolerance:
        factor = float(theirs @ ours / (ours @ ours))
        if np.abs(theirs - factor * ours).max() <= tolerance * max(1.0, abs(factor)):
            return f": {factor:.6g} times as much, so the scale{' or the sign' if factor < 0 else ''} is another one"
    shift = float(np.mean(theirs - ours))
    if len(ours) > 1 and np.abs(theirs - ours - shift).max() <= tolerance:
        return f": always {shift:.6g} more, so the pose or an offset is another one"
    return ""


def _json(path: Path) -> dict[str, Any]:
    with open_regular(path) as file:
        data = json.load(file)
    if not isinstance(data, dict):
        raise ValueError("not a JSON object of lists")
    return data


def in_their_order(actions: npt.NDArray[np.float32], layout: Layout) -> Float64Array:
    """Return actions of the contract, (n, A), in the policy's order of joints."""
    return actions[:, layout.joints].astype(np.float64)
