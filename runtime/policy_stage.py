"""The policy's part of a tick: observe, infer, and turn the action into a command."""

from collections.abc import Callable
from math import inf

import numpy as np

from sim2real.configs.schema.loop import Between
from sim2real.hardware.flags import flags
from sim2real.hardware.types import read_only
from sim2real.runtime.blend import Blend
from sim2real.runtime.contract.action import ActionPipeline
from sim2real.runtime.contract.observation import Float32Array, ObservationPipeline
from sim2real.runtime.contract.signals import Signals
from sim2real.runtime.decimation import Decimation
from sim2real.runtime.policy import Policy, RecurrentPolicy
from sim2real.runtime.record import TickRecord
from sim2real.runtime.safety import Safety
from sim2real.runtime.statistics import TickStatistics
from sim2real.runtime.target_path import TargetPath
from sim2real.runtime.verdict import Level, Reason, Verdict, Violation, verdict_of

SWAP_BLEND_S = 0.2
"""Shortest blend from one policy to another, s: the second knows nothing of the first's last targets."""


class PolicyStage:
    """Runs the policy on one robot.

    Args:
        policy: Its contract has been checked against the robot's.
        record: The loop's buffers: read, and written to.
        safety: Checks what the policy is about to see.
        statistics: Times of the stages.
        decimation: Says in which ticks the policy runs.
        between: How the targets get from one run to the next.
        blend: s, over which the first targets are blended in.
        refused_max: Number of actions in a row that may be refused; one more is a fault.
        stopwatch: Integer nanoseconds, for the statistics.
    """

    def __init__(
        self,
        policy: Policy,
        record: TickRecord,
        safety: Safety,
        statistics: TickStatistics,
        *,
        decimation: Decimation,
        between: Between,
        blend: float,
        refused_max: int,
        stopwatch: Callable[[], int],
    ) -> None:
        contract = policy.contract
        self.at_work = ""
        """What runs at the moment, for the report of an exception."""
        self.policy = policy
        self._record, self._safety, self._statistics, self._stopwatch = record, safety, statistics, stopwatch
        self._period = 1.0 / contract.control_rate
        self._actions = ActionPipeline(contract, 1)
        self._observations = ObservationPipeline(contract, 1)
        self.signals = Signals(
            **record.signals(),
            tip=np.full((1, 3), np.nan),  # no sensor of a robot measures it; `check_robot` refuses what needs it
            joint_target=self._actions.target,
        ).read_only()  # an observation term from outside must not change what safety and the log see
        self._last_action = read_only(self._actions.last_action)
        self._decimation = decimation
        self._path = TargetPath(len(contract.robot.joints), decimation.ratio, between)
        self._by_effort = contract.action.target == "effort"
        self._blend = Blend(len(contract.robot.joints), blend)
        self._finite, self._finite_memory = flags(contract.action_size)
        self._refused, self._refused_max = 0, refused_max
        self._ran = self._swapped = False
        self._reset_pending = True

    @property
    def due(self) -> bool:
        """Whether the policy is to run in this tick; in the others its targets are followed."""
        return self._reset_pending or self._decimation.due

    @property
    def last_action(self) -> Float32Array:
        """The clipped, filtered action of the last tick in which the policy ran, (A,): a view, read-only."""
        action: Float32Array = self._last_action[0]
        return action

    def begin(self) -> None:
        """Start anew at the next run: the pipelines forget, and the first targets are blended in."""
        self._reset_pending = True

    def swap(self, policy: Policy) -> None:
        """Let another policy act from the next run on, blended; it has been checked."""
        self.policy = policy
        self._swapped = self._reset_pending = True

    def count(self, ticks: int) -> None:
        """Let the policy's time pass, in ticks of the loop."""
        self._decimation.count(ticks)

    def follow(self) -> None:
        """Write the command of a tick in which the policy is not due: on the way to its last targets."""
        record = self._record
        self._path.write(record.command, self._decimation.step)
        self._blend.apply(record.command, record.time_ns)

    def run(self) -> Verdict:
        """Run the policy on the readings in the record; its command is in the record, before any limit.

        Returns:
            The verdict on what it saw and answered. Where that is not OK, there is no new command.
        """
        record, watch = self._record, self._stopwatch
        started = watch()
        self.at_work = "an observation term"
        if self._reset_pending:
            self._reset()
        self._decimation.ran()
        record.clock[0] = self._decimation.policy_ticks * self._period
        observation = self._observations.observe(self.signals, self._last_action)
        record.observation[:] = observation[0]
        seen = self._safety.check_observation(record.observation)
        observed = watch()
        self._statistics["observe"].add(observed - started)
        if seen.level is not Level.OK:
            return seen
        self.at_work = "the policy"
        action = self.policy.act(observation)
        record.action[:] = action[0]
        record.ran = self._ran = True
        inferred = watch()
        record.policy_ns = inferred - started
        self._statistics["infer"].add(inferred - observed)
        # Before the pipeline: its clip would turn an infinite action into a finite target.
        np.isfinite(record.action, self._finite)
        if 0 in self._finite_memory:
            return self._refuse()
        self._refused = 0
        self.at_work = "the contract's action"
        self._apply()
        return seen

    def _reset(self) -> None:
        record = self._record
        self._reset_pending = False
        self._observations.reset()
        self._actions.reset(position=self.signals.joint_position if self._ran else None)
        if isinstance(self.policy, RecurrentPolicy):
            self.policy.reset()
        self._blend.begin(record.command, record.time_ns, SWAP_BLEND_S if self._swapped else 0.0)
        self._swapped = False
        self._path.begin(record.command)
        self._decimation.begin()
        record.reset = True

    def _apply(self) -> None:
        record = self._record
        targets = self._actions.apply(record.action[None, :])
        record.target[:] = targets.effort[0] if self._by_effort else targets.position[0]
        self._path.aim(targets)
        self.follow()

    def _refuse(self) -> Verdict:
        """Return the verdict on an action that is not finite: damp, and a fault if the policy keeps giving such."""
        self._refused += 1
        component = int(np.argmin(self._finite))
        value = float(self._record.action[component])
        verdict = verdict_of((Violation(Reason.ACTION_NOT_FINITE, component, value, inf),))
        return verdict if self._refused <= self._refused_max else verdict._replace(level=Level.FAULT)
