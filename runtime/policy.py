"""The policy: an ONNX model with its contract, run on one thread in fixed buffers."""

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Protocol, runtime_checkable

import numpy as np
import onnxruntime

from sim2real.configs.errors import UserError
from sim2real.configs.policy_reference import policy_file
from sim2real.configs.regular_file import POLICY_BYTES_MAX, read_regular
from sim2real.configs.schema.robot import RobotConfig
from sim2real.runtime.contract.manifest import ContractError, differences, from_metadata
from sim2real.runtime.contract.model_file import MODEL_DIGEST_KEY, metadata_of, model_digest
from sim2real.runtime.contract.observation import Float32Array
from sim2real.runtime.contract.observation_term import find_term
from sim2real.runtime.contract.robot import robot_spec
from sim2real.runtime.contract.spec import Contract
from sim2real.runtime.flash.installed import check_installed
from sim2real.runtime.model_trial import try_model
from sim2real.runtime.model_trial_child import first_line, one_thread

INPUT = "observation"
OUTPUT = "action"
STATE_INPUT = "state_{}"
STATE_OUTPUT = "next_state_{}"
"""Names of the recurrent state's tensors, numbered from 0 in the order of the contract's shapes."""

_WARM_UP_RUNS = 20  # the first run allocates and plans; a few more bring caches and clock rates up
_WARM_UP_S = 1.0
"""No further run of the warm-up begins after this time: a slow policy must not take minutes to load."""
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


@runtime_checkable
class RecurrentPolicy(Policy, Protocol):
    """A policy that may carry state from tick to tick."""

    def reset(self) -> None:
        """Forget: the next action is the first of an episode."""
        ...


class OnnxPolicy:
    """A loaded and warmed-up policy.

    Loading is bounded: the model is first loaded and run in a child process, in limited time and memory.

    Args:
        path: The ONNX file, as `sim2real export` writes it: input `observation` (1 or any batch, O) float32,
            output `action` (the same, A) float32, the contract in the metadata. A recurrent policy also has inputs
            `state_0`, … and outputs `next_state_0`, … of the contract's shapes.

    Raises:
        UserError: The file is missing, is not what was installed in its slot, is no ONNX model, has no valid contract,
            its shapes are not the contract's, or loading it takes too long.
    """

    contract: Contract
    provenance: Mapping[str, str]
    digest: str
    """SHA-256 of the file, hex digits."""
    size: int
    """Bytes of the file."""
    inference_s: float
    """Time of one run on this machine when it was loaded, s: the median of the warm-up."""
    notices: tuple[str, ...]
    """What a person should know of the file before trusting it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        model = _read(path)
        self.digest, self.size = hashlib.sha256(model).hexdigest(), len(model)
        check_installed(path, self.digest, self.size)
        self.contract, self.provenance, self.notices = _contract(path, model)
        try_model(path, model)
        session = _session(path, model)
        observations, actions = self.contract.observation_size, self.contract.action_size
        shapes = self.contract.recurrent_state
        states = [(STATE_INPUT.format(number), shape) for number, shape in enumerate(shapes)]
        next_states = [(STATE_OUTPUT.format(number), shape) for number, shape in enumerate(shapes)]
        _check_tensors(path, "input", session.get_inputs(), [(INPUT, (1, observations)), *states])
        _check_tensors(path, "output", session.get_outputs(), [(OUTPUT, (1, actions)), *next_states])
        self._session = session
        # None outside a trial: with options of its own a run makes a logger first, which takes ten times as long as it.
        self._run_options: Any = None
        self._observation = np.zeros((1, observations), np.float32)
        self._action = np.zeros((1, actions), np.float32)
        self._binding = session.io_binding()
        self._binding.bind_input(INPUT, "cpu", 0, np.float32, self._observation.shape, self._observation.ctypes.data)
        self._binding.bind_output(OUTPUT, "cpu", 0, np.float32, self._action.shape, self._action.ctypes.data)
        self._states = [np.zeros(shape, np.float32) for shape in shapes]
        self._next_states = [np.zeros(shape, np.float32) for shape in shapes]
        for (name, shape), state in zip(states, self._states, strict=True):
            self._binding.bind_input(name, "cpu", 0, np.float32, shape, state.ctypes.data)
        for (name, shape), state in zip(next_states, self._next_states, strict=True):
            self._binding.bind_output(name, "cpu", 0, np.float32, shape, state.ctypes.data)
        try:
            self.inference_s = self._warm_up()
        except Exception as error:
            raise UserError(f"{path}: the model does not run: {first_line(error)}") from error
        self.reset()

    def act(self, observation: Float32Array) -> Float32Array:
        """Return the action for an observation.

        Args:
            observation: (1, O).

        Returns:
            (1, A): the policy's own buffer, overwritten by the next call.
        """
        np.copyto(self._observation, observation)
        self._session.run_with_iobinding(self._binding, self._run_options)
        for state, following in zip(self._states, self._next_states, strict=True):
            np.copyto(state, following)
        return self._action

    def reset(self) -> None:
        """Set the recurrent state to zero, as at the start of an episode."""
        for state in self._states:
            state.fill(0.0)

    @contextmanager
    def limited(self, seconds: float) -> Iterator[None]:
        """End the run of a graph that is still at work after this time, in the block: `act` then raises.

        For trials. It takes a thread, and ends no graph within one of its nodes.
        """
        self._run_options = onnxruntime.RunOptions()
        timer = threading.Timer(seconds, setattr, (self._run_options, "terminate", True))
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            self._run_options = None

    def _warm_up(self) -> float:
        """Run on zeros; return the median time of a run but the first, s."""
        times: list[float] = []
        begun = now = time.perf_counter()
        while len(times) < _WARM_UP_RUNS and (len(times) < 2 or now - begun < _WARM_UP_S):  # the first is left out
            before = now
            self._session.run_with_iobinding(self._binding, self._run_options)
            now = time.perf_counter()
            times.append(now - before)
        return median(times[1:])


def load_policy(policy: str | Path) -> OnnxPolicy:
    """Load a policy, ready to act: its contract is read, its shapes checked, the session warmed up.

    Args:
        policy: A shipped policy by name (`quadruped_walk`), a run, or an ONNX file that sim2real has exported.

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
    return OnnxPolicy(policy_file(policy))


def check_robot(contract: Contract, robot: RobotConfig) -> None:
    """Refuse a contract of another robot, or one with observations that no sensor measures.

    Raises:
        ContractError: Names the first differences field by field, and how many there are.
    """
    unmeasured = next((entry.term for entry in contract.observation if "tip" in find_term(entry.term).readings), None)
    if unmeasured is not None:
        raise ContractError(
            f"the policy observes {unmeasured!r}, which no sensor of {robot.name!r} measures; valid: a policy "
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


def check_speed(policy: Policy, rate: float) -> None:
    """Refuse a policy that takes longer than a tick on this machine, as measured when it was loaded.

    Args:
        policy: The policy.
        rate: Ticks a second of the loop, at least the policy's rate.

    Raises:
        UserError: It is too slow; says how slow.
    """
    if not isinstance(policy, OnnxPolicy):
        return  # calling it to find out might change its state
    period_s = 1.0 / rate
    if not policy.inference_s < period_s:
        raise UserError(
            f"{policy.path}: the policy takes {policy.inference_s * 1e3:.3g} ms for an action on this machine, a "
            f"tick at {rate:g} Hz is {period_s * 1e3:.3g} ms"
        )


def _read(path: Path) -> bytes:
    try:
        return read_regular(path, POLICY_BYTES_MAX)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


def _session(path: Path, model: bytes) -> Any:  # noqa: ANN401 - onnxruntime ships no types
    try:
        return onnxruntime.InferenceSession(model, one_thread(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UserError(f"{path}: not a valid ONNX model: {first_line(error)}") from error


def _contract(path: Path, model: bytes) -> tuple[Contract, dict[str, str], tuple[str, ...]]:
    """Return contract, provenance and notices of a model that is as it was exported."""
    try:
        metadata = metadata_of(model)
    except ValueError as error:
        raise UserError(f"{path}: not a valid ONNX model: {error}") from error
    try:
        contract, provenance = from_metadata(metadata)
    except ContractError as error:
        raise ContractError(f"{path}: {error}") from error
    if MODEL_DIGEST_KEY not in metadata:
        return contract, provenance, (f"{path} has no digest of itself: damage since it was made cannot be noticed",)
    if metadata[MODEL_DIGEST_KEY] != model_digest(model):
        raise ContractError(f"{path}: the model is damaged, or was changed after export: its digest does not match")
    return contract, provenance, ()


def _check_tensors(path: Path, kind: str, tensors: Any, wanted: list[tuple[str, tuple[int, ...]]]) -> None:  # noqa: ANN401 - onnxruntime ships no types
    found = {tensor.name: (_for_one_robot(tensor.shape), tensor.type) for tensor in tensors}
    if found == {name: (shape, "tensor(float)") for name, shape in wanted} and len(found) == len(tensors):
        return
    have = "; ".join(f"{name!r} {list(shape)} {kind_of}" for name, (shape, kind_of) in found.items()) or "none"
    (first, shape), *states = wanted
    also = "".join(f" and {name!r} {list(shape)}" for name, shape in states)
    one = f"one {kind}" if not states else f"{len(wanted)} {kind}s"
    raise ContractError(f"{path}: the contract needs {one} {first!r} {list(shape)}{also} tensor(float), found: {have}")


def _for_one_robot(shape: list[int | str]) -> tuple[int | str, ...]:
    """Return a shape with a batch of one where the model leaves the batch free."""
    return tuple(1 if axis == 0 and isinstance(size, str) else size for axis, size in enumerate(shape))
