"""Signals to observation: the one implementation that simulation and robot share, bit for bit."""

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
        self._blocks = [_Block(term, n) for term in contract.observation]
        self._kinematics = Kinematics(contract.robot, n) if contract.needs("tip") else None
        self._inputs = _inputs_at_rest(contract, n)
        self.observation = np.zeros((n, contract.observation_size), np.float32)
        """The observations of the last tick, (n, O)."""
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
        start = 0
        unstarted = self._unstarted if self._any_unstarted else None
        inputs = self._inputs
        inputs.signals, inputs.last_action = signals, last_action
        if self._kinematics is not None:
            inputs.tip = self._kinematics.tip(signals.joint_position)
        for block in self._blocks:
            block.write(inputs, self.observation, start, unstarted)
            start += block.size
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
            value = block.compute(inputs, np.empty((count, block.width)))
            block.load_rows(rows, value)
            self.observation[rows, start : start + block.size] = np.tile(value, (1, block.history))
            start += block.size
        self._unstarted[rows] = False

    def state_dict(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the histories: all that is needed to continue with the same bits."""
        return {"observation": self.observation.copy(), "unstarted": self._unstarted.copy()}

    def load_state_dict(self, state: dict[str, npt.NDArray[np.generic]]) -> None:
        """Restore a state from `state_dict`, of the same contract and size."""
        self.observation[...] = state["observation"]
        self._unstarted[...] = state["unstarted"]
        start = 0
        for block in self._blocks:
            block.load(self.observation[:, start : start + block.size])
            start += block.size
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


class _Block:
    """One term's part of the observation."""

    def __init__(self, spec: ObservationTermSpec, n: int) -> None:
        self.history = spec.history
        self.size = spec.size
        self._name, self._function = spec.term, find_term(spec.term).function
        self.width = spec.width
        self._scale = spec.scale
        self._clip = spec.clip
        self._value = np.zeros((n, spec.width))
        self._ring = [np.zeros((n, spec.width), np.float32) for _ in range(spec.history if spec.history > 1 else 0)]

    def compute(self, inputs: Inputs, value: Float64Array) -> Float64Array:
        """Compute the term's scaled and clipped value into `value`, (rows, width), and return it."""
        try:
            self._function(inputs, value)
        except (Exception, SystemExit) as error:  # a term must not end the program, or even with success
            if (blamed := OBSERVATION_TERMS.blamed(self._name, "failed")) is None:
                raise
            raise blamed from error
        if self._scale != 1.0:
            np.multiply(value, self._scale, out=value)
        if self._clip is not None:
            np.clip(value, -self._clip, self._clip, out=value)
        return value

    def write(self, inputs: Inputs, observation: Float32Array, start: int, unstarted: BoolArray | None) -> None:
        """Compute one tick and write the whole block; rows that are unstarted get the value in every place of it."""
        value = self.compute(inputs, self._value)
        if self.history == 1:
            observation[:, start : start + self.width] = value
            return
        # A ring of ticks: shifting within the observation would make numpy copy it, because source and target overlap.
        oldest = self._ring.pop(0)
        np.copyto(oldest, value, casting="same_kind")
        self._ring.append(oldest)
        for place, past in enumerate(self._ring):
            if unstarted is not None:
                np.copyto(past, oldest, where=unstarted[:, None])
            column = start + place * self.width
            observation[:, column : column + self.width] = past

    def load(self, block: Float32Array) -> None:
        """Restore the history from a block of observations, (n, size)."""
        for place, past in enumerate(self._ring):
            past[...] = block[:, place * self.width : (place + 1) * self.width]

    def load_rows(self, rows: npt.NDArray[np.intp], value: Float64Array) -> None:
        """Set the whole history of some rows to one value, (k, width)."""
        for past in self._ring:
            past[rows] = value
