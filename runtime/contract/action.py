"""Action to joint targets: clip, filter, scale, offset, limits; shared by simulation and robot."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import Float64Array
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.spec import Contract


@dataclass(slots=True)
class ActionTargets:
    """Targets of n robots with J joints each, (n, J) float64; `JointCommand` says what they mean."""

    position: Float64Array
    velocity: Float64Array
    effort: Float64Array
    stiffness: Float64Array
    damping: Float64Array


class ActionPipeline:
    """Turns the actions of n robots into joint targets in its own buffers; allocates nothing per tick.

    Where the contract bounds the step of a target, `last_action` is the action that corresponds to the bounded target:
    the policy sees how far it got, and a filter does not wind up.

    An action that is not a number gives targets that are not numbers: the safety module refuses them. Relative targets
    and those with a bounded step stay so until they are reset.
    """

    def __init__(self, contract: Contract, n: int) -> None:
        spec = contract.action
        joints = contract.robot.joints
        shape = (n, len(joints))
        self._bounded = bool(spec.step) and not spec.relative
        clip = [spec.clip] * len(joints)
        if spec.step and spec.relative:
            # A relative target goes as far as its action says: to bound one is to bound the other.
            clip = [min(spec.clip, step / scale) for step, scale in zip(spec.step, spec.scale, strict=True)]
        self._clip_low, self._clip_high = (np.tile(np.float32(sign * np.array(clip)), (n, 1)) for sign in (-1.0, 1.0))
        self._keep = np.float32(spec.smoothing)
        self._take = np.float32(1.0) - self._keep
        # One row for each robot: an operand that is broadcast would make numpy allocate buffers at every tick.
        self._scale = np.tile(np.array(spec.scale), (n, 1))
        self._offset = np.tile(np.array(spec.offset), (n, 1))
        self._to_effort = spec.target == "effort"
        self._relative = spec.relative
        self._default = np.array([joint.default_position for joint in joints])
        limits = [
            (-joint.effort_max, joint.effort_max) if self._to_effort else (joint.position_min, joint.position_max)
            for joint in joints
        ]
        self._low = np.tile(np.array([low for low, _ in limits]), (n, 1))
        self._high = np.tile(np.array([high for _, high in limits]), (n, 1))
        self._step = np.tile(np.array(spec.step or np.zeros(len(joints))), (n, 1))
        self._clipped = np.zeros(shape, np.float32)
        self._change = np.zeros(shape)
        self._step_low, self._step_high = np.zeros(shape), np.zeros(shape)
        self.last_action = np.zeros(shape, np.float32)
        """The clipped, filtered action of the last tick, (n, A): what the observation term `last_action` shows."""
        self._targets = ActionTargets(
            position=np.tile(self._default, (n, 1)),
            velocity=np.zeros(shape),
            effort=np.zeros(shape),
            stiffness=np.tile(np.array([0.0 if self._to_effort else joint.stiffness for joint in joints]), (n, 1)),
            damping=np.tile(np.array([0.0 if self._to_effort else joint.damping for joint in joints]), (n, 1)),
        )

    @property
    def target(self) -> Float64Array:
        """The position targets of the last tick, (n, J), rad: the pipeline's own buffer."""
        return self._targets.position

    def reset(self, ids: npt.NDArray[np.intp] | None = None, position: Float64Array | None = None) -> None:
        """Forget the last action of these k rows (all by default).

        Args:
            ids: The rows.
            position: Where their targets begin, (k, J), rad; at the default pose when left out.
        """
        rows = slice(None) if ids is None else ids
        self.last_action[rows] = 0.0
        if not self._to_effort:
            start = self._default if position is None else np.clip(position, self._low[0], self._high[0])
            self._targets.position[rows] = start

    def apply(self, action: Float32Array) -> ActionTargets:
        """Compute the targets of one tick.

        Args:
            action: The policy's output, (n, A).

        Returns:
            The targets: the pipeline's own buffers, overwritten by the next call.
        """
        clipped, last = self._clipped, self.last_action
        np.maximum(action, self._clip_low, out=clipped)  # as np.clip does, in a quarter of its time
        np.minimum(clipped, self._clip_high, out=clipped)
        if self._keep > 0.0:
            np.multiply(clipped, self._take, out=clipped)
            np.multiply(last, self._keep, out=last)
            np.add(last, clipped, out=last)
        else:
            np.copyto(last, clipped)
        change, target = self._change, self._target
        np.copyto(change, last)  # converts without the buffer that a mixed-type multiply would allocate
        np.multiply(change, self._scale, out=change)
        if self._bounded:
            np.subtract(target, self._step, out=self._step_low)
            np.add(target, self._step, out=self._step_high)
        np.add(change, target if self._relative else self._offset, out=target)
        np.maximum(target, self._low, out=target)
        np.minimum(target, self._high, out=target)
        if self._bounded:
            np.maximum(target, self._step_low, out=target)
            np.minimum(target, self._step_high, out=target)
            np.subtract(target, self._offset, out=change)
            np.divide(change, self._scale, out=change)
            np.copyto(last, change, casting="same_kind")
        return self._targets

    def state_dict(self) -> dict[str, npt.NDArray[np.generic]]:
        """Return the last actions and targets: all that is needed to continue with the same bits."""
        return {"last_action": self.last_action.copy(), "target": self._target.copy()}

    def load_state_dict(self, state: dict[str, npt.NDArray[np.generic]]) -> None:
        """Restore a state from `state_dict`, of the same contract and size."""
        self.last_action[...] = state["last_action"]
        self._target[...] = state["target"]

    @property
    def _target(self) -> Float64Array:
        return self._targets.effort if self._to_effort else self._targets.position
