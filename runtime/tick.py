"""What a program sees of a running policy after each tick, and what it may ask for."""

from dataclasses import fields

from sim2real.hardware.types import ImuState, JointCommand, JointState, read_only
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.controller import Controller
from sim2real.runtime.policy import Policy
from sim2real.runtime.states import State
from sim2real.runtime.stop import StopRequest


class Tick:
    """The tick that has just been done, for the hook `on_tick` of `run`.

    The arrays are read-only views of the loop's own buffers: the next tick overwrites them, so copy what you keep.

    Attributes:
        joint_names: Names of the J joints, in the order of every joint array.
        joints: Readings, arrays (J,): rad, rad/s, N·m, °C, V.
        imus: Readings of K IMUs in the frames of their bodies, arrays (K, 3) and (K, 4): rad/s, m/s², w x y z.
        command: What was sent to the joints after every limit, arrays (J,).
        observation: What the policy last saw, (O,).
        action: What the policy last answered, (A,), before clip, scale and offset.
    """

    joint_names: tuple[str, ...]
    joints: JointState
    imus: ImuState
    command: JointCommand
    observation: Float32Array
    action: Float32Array

    def __init__(self, controller: Controller, joint_names: tuple[str, ...], stop: StopRequest) -> None:
        record = controller.record
        self._controller, self._record, self._stop = controller, record, stop
        self.joint_names = joint_names
        self.joints = JointState(*(read_only(getattr(record.joints, each.name)) for each in fields(JointState)))
        self.imus = ImuState(*(read_only(getattr(record.imus, each.name)) for each in fields(ImuState)))
        self.command = JointCommand(*(read_only(getattr(record.command, each.name)) for each in fields(JointCommand)))
        self.observation, self.action = read_only(record.observation), read_only(record.action)

    @property
    def number(self) -> int:
        """Number of the tick, from 1, counted from torque on."""
        return self._record.tick

    @property
    def time_ns(self) -> int:
        """When the readings were in, on the clock of the run."""
        return self._record.time_ns

    @property
    def state(self) -> State:
        """State of the robot after the tick; the policy acts in RUNNING."""
        return self._controller.state

    @property
    def ran(self) -> bool:
        """Whether the policy ran in this tick; if not, observation and action are older."""
        return self._record.ran

    def set_command(self, name: str, value: float) -> None:
        """Give the policy an operator command from the next tick on, SI units.

        Raises:
            UserError: The policy takes no such command, or not this value. Left uncaught it ends the run, torque off.
        """
        self._controller.set_operator_command(name, value)

    def swap(self, policy: Policy) -> None:
        """Let another policy take over from the next tick on, blended in over `ready.blend`, at least 0.2 s.

        It must be for the same robot and task interface: the same observation, actions, operator commands and rate.
        Load it before, with `load_policy`: that takes longer than a tick.

        Raises:
            UserError: It cannot take over. Left uncaught it ends the run, torque off.
        """
        self._controller.swap(policy)

    def stop(self) -> None:
        """End the run after this tick, torque off."""
        self._stop.stop("hook")
