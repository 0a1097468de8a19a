"""The policy of an ONNX file, for a batch of robots."""

from sim2real.training.actor import Actor, Arrays
from sim2real.training.environment_interface import Floats
from sim2real.training.export import onnx_session
from sim2real.training.onnx_graph import INPUT, OUTPUT, STATE_INPUT, STATE_OUTPUT


def onnx_actor(content: bytes) -> Actor:
    """Return the policy of a file's content; its states are its inputs beside the observation.

    Raises onnxruntime's exceptions if it is no valid model.
    """
    session = onnx_session(content)
    shapes = {entry.name: entry.shape for entry in session.get_inputs()}
    count = len(shapes) - 1
    names = [STATE_INPUT.format(number) for number in range(count)]
    outputs = [OUTPUT, *(STATE_OUTPUT.format(number) for number in range(count))]

    def step(observation: Floats, state: Arrays) -> tuple[Floats, Arrays]:
        action, *following = session.run(outputs, {INPUT: observation, **dict(zip(names, state, strict=True))})
        return action, tuple(following)

    return Actor(step, tuple((1, int(shapes[name][1])) for name in names))
