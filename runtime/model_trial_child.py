"""The child process of a model's trial: loads the model from standard input, runs it, and prints one JSON line.

A script of its own, so that starting it imports nothing of this project.
"""

import json
import resource
import sys
import time
from typing import Any, Final

import numpy as np
import onnxruntime

RUNS: Final = 5
RUNS_S: Final = 1.0
"""No further run begins after this time."""
LOG_SEVERITY_FATAL: Final = 4  # what is wrong is in the exception; onnxruntime would print it a second time


def one_thread() -> Any:  # noqa: ANN401 - onnxruntime ships no types
    """Return the session options of a policy: one thread, no spinning."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = LOG_SEVERITY_FATAL
    return options


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, shortened; its class if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def inputs_of(session: Any, random: np.random.Generator | None) -> dict[str, Any]:  # noqa: ANN401 - no types
    """Return an input for one robot: zeros, or random numbers."""
    made = {}
    for tensor in session.get_inputs():
        shape = tuple(size if isinstance(size, int) else 1 for size in tensor.shape)
        made[tensor.name] = (np.zeros(shape) if random is None else random.normal(0.0, 3.0, shape)).astype(np.float32)
    return made


def main() -> None:
    """Load and run the model within the processor time given as the argument, s."""
    cpu_s, memory = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = round(used.ru_utime + used.ru_stime) + cpu_s
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    stage = "load"
    try:
        session = onnxruntime.InferenceSession(sys.stdin.buffer.read(), one_thread(), ["CPUExecutionProvider"])
        stage = "run"
        random = np.random.default_rng(0)
        end = time.monotonic() + RUNS_S
        for number in range(RUNS):
            session.run(None, inputs_of(session, random if number else None))
            if time.monotonic() >= end:
                break
        sys.stdout.write(json.dumps({"stage": "done"}) + "\n")
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent tells the user
        sys.stdout.write(json.dumps({"stage": stage, "error": first_line(error)}) + "\n")


if __name__ == "__main__":
    main()
