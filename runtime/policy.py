"""The policy: an ONNX model with its contract, run on one thread in fixed buffers."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime

from sim2real.configs.errors import UserError
from sim2real.configs.library import find_policy
from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.manifest import ContractError, differences, from_metadata
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.robot import robot_spec
from sim2real.runtime.contract.spec import Contract

INPUT = "observation"
OUTPUT = "action"

_WARM_UP_RUNS = 20  # the first run allocates and plans; a few more bring caches and clock rates up
_LOG_SEVERITY_FATAL = 4  # what is wrong comes as an exception; onnxruntime would print it a second time
_DIFFERENCES_SHOWN = 5


class Policy(Protocol):
    """A policy, as the runtime uses it."""

    contract: Contract
    provenance: Mapping[str, str]
    digest: str
    """SHA-256 of the model file, hex digits."""

    def act(self, observation: Float32Array) -> Float32Array:
        """Return the action, (1, A), for an observation, (1, O); the array may be the policy's own buffer."""
        ...


class OnnxPolicy:
    """A loaded and warmed-up policy.

    Args:
        path: The ONNX file, as `sim2real export` writes it: input `observation` (1 or any batch, O) float32,
            output `action` (the same, A) float32, the contract in the metadata.

    Raises:
        UserError: The file is missing, is no ONNX model, has no valid contract, or its shapes are not the contract's.
    """

    contract: Contract
    provenance: Mapping[str, str]
    digest: str
    """SHA-256 of the file, hex digits."""
    size: int
    """Bytes of the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        model = _read(path)
        self.digest, self.size = hashlib.sha256(model).hexdigest(), len(model)
        session = _session(path, model)
        try:
            self.contract, self.provenance = from_metadata(session.get_modelmeta().custom_metadata_map)
        except ContractError as error:
            raise ContractError(f"{path}: {error}") from error
        if self.contract.recurrent_state:
            raise UserError(f"{path}: the policy has recurrent state, which this runtime does not support")
        observations, actions = self.contract.observation_size, self.contract.action_size
        _check_tensors(path, "input", session.get_inputs(), INPUT, (1, observations))
        _check_tensors(path, "output", session.get_outputs(), OUTPUT, (1, actions))
        self._session = session
        self._observation = np.zeros((1, observations), np.float32)
        self._action = np.zeros((1, actions), np.float32)
        self._binding = session.io_binding()
        self._binding.bind_input(INPUT, "cpu", 0, np.float32, self._observation.shape, self._observation.ctypes.data)
        self._binding.bind_output(OUTPUT, "cpu", 0, np.float32, self._action.shape, self._action.ctypes.data)
        try:
            for _ in range(_WARM_UP_RUNS):
                session.run_with_iobinding(self._binding)
        except Exception as error:
            raise UserError(f"{path}: the model does not run: {_first_line(error)}") from error

    def act(self, observation: Float32Array) -> Float32Array:
        """Return the action for an observation.

        Args:
            observation: (1, O).

        Returns:
            (1, A): the policy's own buffer, overwritten by the next call.
        """
        np.copyto(self._observation, observation)
        self._session.run_with_iobinding(self._binding)
        return self._action


def load_policy(policy: str | Path) -> OnnxPolicy:
    """Load a policy, ready to act: its contract is read, its shapes checked, the session warmed up.

    Args:
        policy: A shipped policy by name (`quadruped_walk`), or an ONNX file that sim2real has exported.

    Returns:
        The policy: `.contract` says what it observes and what its actions mean, `.provenance` where it comes from,
        `.digest` is the file's SHA-256, `.act(observation)` takes (1, O) float32 and returns (1, A) float32.

    Raises:
        UserError: There is no such policy, it is no ONNX model, or has no valid contract.

    Example:
        >>> import numpy as np, sim2real
        >>> policy = sim2real.load_policy("pendulum_swingup")
        >>> policy.contract.robot.name, policy.contract.control_rate
        ('pendulum', 100.0)
        >>> policy.act(np.zeros((1, policy.contract.observation_size), np.float32)).shape
        (1, 1)
    """
    return OnnxPolicy(find_policy(policy))


def check_robot(contract: Contract, robot: RobotConfig) -> None:
    """Refuse a contract of another robot, or one with observations that no sensor measures.

    Raises:
        ContractError: Names the first differences field by field, and how many there are.
    """
    if contract.observes("measured_tip_error"):
        raise ContractError(
            f"the policy observes 'measured_tip_error', which no sensor of {robot.name!r} measures; valid: a policy "
            "that observes 'tip_error'"
        )
    found = differences(contract.robot, robot_spec(robot))
    if not found:
        return
    more = f"; and {len(found) - _DIFFERENCES_SHOWN} more" if len(found) > _DIFFERENCES_SHOWN else ""
    fields = "field differs" if len(found) == 1 else "fields differ"
    raise ContractError(
        f"the policy was made for another robot: {len(found)} {fields} from {robot.name!r}: "
        f"{'; '.join(found[:_DIFFERENCES_SHOWN])}{more}"
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def _session(path: Path, model: bytes) -> Any:  # noqa: ANN401 - onnxruntime ships no types
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _LOG_SEVERITY_FATAL
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UserError(f"{path}: not a valid ONNX model: {_first_line(error)}") from error


def _check_tensors(path: Path, kind: str, tensors: Any, name: str, shape: tuple[int, int]) -> None:  # noqa: ANN401 - onnxruntime ships no types
    found = [(tensor.name, _for_one_robot(tensor.shape), tensor.type) for tensor in tensors]
    if found != [(name, shape, "tensor(float)")]:
        have = "; ".join(f"{tensor[0]!r} {list(tensor[1])} {tensor[2]}" for tensor in found) or "none"
        raise ContractError(
            f"{path}: the contract needs one {kind} {name!r} {list(shape)} tensor(float), found: {have}"
        )


def _for_one_robot(shape: list[int | str]) -> tuple[int | str, ...]:
    """Return a shape with a batch of one where the model leaves the batch free."""
    return tuple(1 if axis == 0 and isinstance(size, str) else size for axis, size in enumerate(shape))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
