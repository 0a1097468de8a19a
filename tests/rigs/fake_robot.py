"""A scripted robot without wires, and policies for it: as functions and as tiny ONNX models."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx

from sim2real.configs.schema.robot import RobotConfig
from sim2real.hardware.clock import VirtualClock
from sim2real.hardware.errors import PortLostError, TorqueOnError
from sim2real.hardware.types import BusCounters, JointCommand, JointState, Supervision
from sim2real.runtime.contract.manifest import to_metadata
from sim2real.runtime.contract.spec import Contract

READ_NS = 700_000  # one exchange on a 1 Mbaud bus


class FakeRobot:
    """Joints as double integrators behind the joint-level interface; failures are scripted by read number."""

    def __init__(self, robot: RobotConfig, clock: VirtualClock) -> None:
        self.joint_names = robot.joint_names
        self.counters = BusCounters(by_joint=dict.fromkeys(robot.joint_names, 0))
        self.clock = clock
        self.joints = list(robot.joints.values())
        n = len(self.joints)
        self.position = np.array([joint.default_position for joint in self.joints])
        self.velocity = np.zeros(n)
        self.effort = np.zeros(n)
        self.inertia = 0.05
        self.torque = False
        self.opened = self.closed = False
        self.commands: list[np.ndarray] = []
        self.calls: list[str] = []
        self.reads = 0
        self.at_read: dict[int, Callable[[JointState], None]] = {}
        self.lost: Callable[[int], bool] = lambda read: False
        self.port_lost_from: int | None = None
        self.slow_readings = True
        self.voltage = robot.supply_voltage
        self.supervision = Supervision.NONE
        self._last_ns = clock.now_ns()

    def open(self) -> None:
        self.opened = True
        self.calls.append("open")

    def _advance(self) -> None:
        now = self.clock.now_ns()
        dt = (now - self._last_ns) * 1e-9
        self._last_ns = now
        effort = self.effort if self.torque else np.zeros_like(self.effort)
        self.velocity += dt * effort / self.inertia
        self.position += dt * self.velocity

    def read(self, state: JointState) -> None:
        self.reads += 1
        self.counters.reads += 1
        if self.port_lost_from is not None and self.reads >= self.port_lost_from:
            raise PortLostError("the port vanished")
        self.clock.sleep_until_ns(self.clock.now_ns() + READ_NS)
        self._advance()
        state.fresh[:] = False
        if not self.lost(self.reads):
            state.position[:] = self.position
            state.velocity[:] = self.velocity
            state.effort[:] = self.effort
            state.stamp_ns[:] = self.clock.now_ns()
            state.fresh[:] = True
            if self.slow_readings:
                state.temperature[:] = 30.0
                state.voltage[:] = self.voltage
                state.health_stamp_ns[:] = state.stamp_ns
        else:
            self.counters.timeouts += len(self.joints)
        if self.reads in self.at_read:
            self.at_read[self.reads](state)

    def write(self, command: JointCommand) -> None:
        if self.port_lost_from is not None and self.reads >= self.port_lost_from:
            raise PortLostError("the port vanished")
        if not all(np.isfinite(values).all() for values in (command.position, command.velocity, command.effort)):
            raise ValueError("not finite")
        self._advance()
        self.counters.writes += 1
        self.effort = command.effort.copy()
        self.commands.append(command.effort.copy())

    def enable(self) -> None:
        self.torque = True
        self.effort[:] = 0.0
        self.calls.append("enable")

    def torque_off(self) -> None:
        self.calls.append("torque_off")
        if self.port_lost_from is None or self.reads < self.port_lost_from:
            self.torque = False

    def disable(self) -> None:
        self.calls.append("disable")
        if self.port_lost_from is not None and self.reads >= self.port_lost_from:
            raise TorqueOnError(self.joint_names)
        self.torque = False

    def recover(self) -> None:
        self.calls.append("recover")
        self.torque = False

    def close(self) -> None:
        self.closed = True
        self.calls.append("close")


class FunctionPolicy:
    """A policy that is a Python function of the observation."""

    def __init__(self, contract: Contract, act: Callable[[np.ndarray], float]) -> None:
        self.contract = contract
        self.provenance = {"test": "yes"}
        self.digest = "0" * 64
        self.calls = 0
        self._act = act

    def act(self, observation: np.ndarray) -> np.ndarray:
        self.calls += 1
        return np.full((1, self.contract.action_size), self._act(observation), np.float32)


def write_model(path: Path, contract: Contract, weights: np.ndarray, bias: np.ndarray, **metadata: str) -> Path:
    """Write tanh(observation · weights + bias) as an ONNX model with its contract."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    observations, actions = weights.shape
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["observation", "w", "b"], ["linear"]),
            helper.make_node("Tanh", ["linear"], ["action"]),
        ],
        "policy",
        [helper.make_tensor_value_info("observation", onnx.TensorProto.FLOAT, [1, observations])],
        [helper.make_tensor_value_info("action", onnx.TensorProto.FLOAT, [1, actions])],
        [
            numpy_helper.from_array(weights.astype(np.float32), "w"),
            numpy_helper.from_array(bias.astype(np.float32), "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, to_metadata(contract, {"task": contract.task}) | metadata)
    path.write_bytes(model.SerializeToString())
    return path
