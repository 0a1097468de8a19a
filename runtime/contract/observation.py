"""Signals to observation: the one implementation that simulation and robot share, bit for bit."""

from collections.abc import Sequence
from math import inf

import numpy as np
import numpy.typing as npt

from sim2real.configs.schema.observation import OBSERVATION_TERMS
from sim2real.hardware.types import BoolArray, Float64Array, read_only
from sim2real.runtime.contract.kinematics import Kinematics
from sim2real.runtime.contract.observation_term import Inputs, find_term
from sim2real.runtime.contract.signals import Float32Array as Float32Array
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.contract.spec import Contract, ObservationTermSpec
from sim2real.runtime.contract.term_trial import try_term


class ObservationPipeline:
    """Computes the observations of n robots into one buffer that it owns; allocates nothing per tick.

    Args:
        contract: Gives the terms, their scales, clips and histories.
        n: Number of robots: thousands in simulation, 1 on the robot.

    Raises:
        PluginError: A term from outside cannot be used, see `try_term`.
    """

    def __init__(self, contract: Contract, n: int) -> None:
        at_rest = _inputs_at_rest(contract, 1)
        for term in contract.observation:
            try_term(term.term, term.width, at_rest)
        self.observation = np.zeros((n, contract.observation_size), np.float32)
        """The observations of the last tick, (n, O)."""
        # One robot: all terms write into one row, which is scaled and clipped at once. Many: a term's part of a row is
        # not contiguous, so every term has a buffer of its own. Both do the same to every number.
        self._row = _Row(contract.observation) if n == 1 else None
        self._blocks: list[_Block] = []
        start = column = 0
        for term in contract.observation:
            value = np.zeros((n, term.width)) if self._row is None else self._row.part(column, term.width)
            self._blocks.append(_Block(term, value, self.observation[:, start : start + term.size]))
            start, column = start + term.size, column + term.width
        self._with_history = any(term.history > 1 for term in contract.observation)
        self._kinematics = Kinematics(contract.robot, n) if contract.needs("tip") else None
        self._inputs = _inputs_at_rest(contract, n)
        self._unstarted = np.ones(n, np.bool_)
        self._any_unstarted = True

    def reset(self, ids: npt.NDArray[np.intp] | None = None) -> None:
        """Begin new episodes: the next observation of these rows (all by default) fills their whole history."""
        self._unstarted[slice(None) if ids is None else ids] = True
        self._any_unstarted = True

    def observe(self, signals: Signals, last_action: Float32Array) -> Float32Array:
        """Compute one tick.

        Args:
            signals: Readings of this tick, for n robots.
            last_action: The action pipeline's `last_action`, (n, A).

        Returns:
            The observations, (n, O): the pipeline's own buffer, overwritten by the next call.

        Raises:
            PluginError: A term from outside failed.
        """
        unstarted = self._unstarted if self._any_unstarted else None
        inputs, row = self._inputs, self._row
        inputs.signals, inputs.last_action = signals, last_action
        if self._kinematics is not None:
            inputs.tip = self._kinematics.tip(signals.joint_position)
        for block in self._blocks:
            block.measure(inputs, block.value)
            if row is None:
                block.adjust(block.value)
        if row is not None:
            row.adjust()
        if row is not None and not self._with_history:
            np.copyto(self.observation, row.values, casting="same_kind")
        else:
            for block in self._blocks:
                block.write(unstarted)
        if self._any_unstarted:
            self._unstarted[:] = False
            self._any_unstarted = False
        return self.observation

    def restart(self, rows: npt.NDArray[np.intp], signals: Signals, last_action: Float32Array) -> None:
        """Write the first observation of new episodes of some rows, the whole history at that value.

        Args:
            rows: The k rows that begin a new episode.
            signals: The first readings of those rows, for k robots.
            last_action: (k, A), zeros for a new episode.
        """
        start, count, own = 0, len(rows), self._inputs
        tip = own.tip if self._kinematics is None else self._kinematics.tip(signals.joint_position)
        inputs = Inputs(signals, last_action, own.default[:count], own.frequency, own.scratch[:count], tip, own.target)
        for block in self._blocks:
            value = np.empty((count, block.width))
            block.measure(inputs, value)
            block.adjust(value)
            block.load_rows(rows, value)
            if block.history > 1:
                value = value[:, None].repeat(block.history, axis=1).reshape(count, block.size)
            self.observation[rows, start : start + block.size] = value
            start += block.size
        self._unstarted[rows] = False

    def state_dict(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the histories: all that is needed to continue with the same bits."""
        return {"observation": self.observation.copy(), "unstarted": self._unstarted.copy()}

    def load_state_dict(self, state: dict[str, npt.NDArray[np.generic]]) -> None:
        """Restore a state from `state_dict`, of the same contract and size."""
        self.observation[...] = state["observation"]
        self._unstarted[...] = state["unstarted"]
        for block in self._blocks:
            block.load()
        self._any_unstarted = bool(self._unstarted.any())


def _inputs_at_rest(contract: Contract, n: int) -> Inputs:
    """Return inputs of n robots that do not move; nothing but `scratch` can be written to."""
    # One row for each robot: an operand that is broadcast would make numpy allocate buffers at every tick.
    default = np.tile(np.array([joint.default_position for joint in contract.robot.joints]), (n, 1))
    last_action, tip = np.zeros((n, contract.action_size), np.float32), np.zeros((n, 3))
    return Inputs(
        signals=Signals.of(contract, n).read_only(),
        last_action=read_only(last_action),
        default=read_only(default),
        frequency=contract.phase_frequency or 0.0,
        scratch=np.zeros((n, len(contract.robot.imus))),
        tip=read_only(tip),
        target=contract.tip_columns if contract.needs("tip_commands") else (),
    )


class _Row:
    """The values of all terms of one robot, (1, W), side by side."""

    def __init__(self, terms: Sequence[ObservationTermSpec]) -> None:
        scale = [term.scale for term in terms for _ in range(term.width)]
        clip = [inf if term.clip is None else term.clip for term in terms for _ in range(term.width)]
        self.values = np.zeros((1, len(scale)))
        self._scale = np.array([scale])
        self._low, self._high = -np.array([clip]), np.array([clip])
        self._scaled, self._clipped = any(value != 1.0 for value in scale), any(value < inf for value in clip)

    def part(self, column: int, width: int) -> Float64Array:
        """Return a view of the values of one term, (1, width)."""
        return self.values[:, column : column + width]

    def adjust(self) -> None:
        """Scale and clip in place: by 1 and to infinity, which changes nothing, where a term has neither."""
        if self._scaled:
            np.multiply(self.values, self._scale, out=self.values)
        if self._clipped:  # as np.clip does, in a quarter of its time
            np.maximum(self.values, self._low, out=self.values)
            np.minimum(self.values, self._high, out=self.values)


class _Block:
    """One term's part of the observation.

    Args:
        spec: The term.
        value: Buffer for its values of one tick, (n, width).
        place: View of its part of the observations, (n, size).
    """

    def __init__(self, spec: ObservationTermSpec, value: Float64Array, place: Float32Array) -> None:
        self.history = spec.history
        self.size = spec.size
        self.width = spec.width
        self.value = value
        self._name, self._function = spec.term, find_term(spec.term).function
        self._scale = spec.scale
        self._clip = spec.clip
        self._places = [place[:, start : start + spec.width] for start in range(0, spec.size, spec.width or 1)]
        past = range(spec.history if spec.history > 1 else 0)
        self._ring = [np.zeros(value.shape, np.float32) for _ in past]

    def measure(self, inputs: Inputs, value: Float64Array) -> None:
        """Write the term's SI values into `value`, (rows, width)."""
        try:
            self._function(inputs, value)
        except (Exception, SystemExit) as error:  # a term must not end the program, or even with success
            if (blamed := OBSERVATION_TERMS.blamed(self._name, "failed")) is None:
                raise
            raise blamed from error

    def adjust(self, value: Float64Array) -> None:
        """Scale and clip values in place."""
        if self._scale != 1.0:
            np.multiply(value, self._scale, out=value)
        if self._clip is not None:
            np.clip(value, -self._clip, self._clip, out=value)

    def write(self, unstarted: BoolArray | None) -> None:
        """Write the values to the observation; rows that are unstarted get them in every place of the history."""
        if self.history == 1:
            np.copyto(self._places[0], self.value, casting="same_kind")
            return
        # A ring of ticks: shifting within the observation would make numpy copy it, because source and target overlap.
        oldest = self._ring.pop(0)
        np.copyto(oldest, self.value, casting="same_kind")
        self._ring.append(oldest)
        for place, past in zip(self._places, self._ring, strict=True):
            if unstarted is not None:
                np.copyto(past, oldest, where=unstarted[:, None])
            np.copyto(place, past)

    def load(self) -> None:
        """Restore the history from the observations."""
        for place, past in zip(self._places, self._ring, strict=False):
            np.copyto(past, place)

    def load_rows(self, rows: npt.NDArray[np.intp], value: Float64Array) -> None:
        """Set the whole history of some rows to one value, (k, width)."""
        for past in self._ring:
            past[rows] = value
