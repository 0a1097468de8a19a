"""Law of every shipped file: after any edit it loads, or is refused in one line."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim2real.configs.errors import ConfigError
from sim2real.configs.library import KINDS, ROOT, shipped
from sim2real.configs.load import SCHEMAS, dump, load

pytestmark = pytest.mark.slow

SHIPPED = [(kind, name) for kind in KINDS for name in shipped(kind)]
TOKEN = re.compile(r"\w+|\s+|[^\w\s]")

# Common mistakes in YAML, and text that breaks parsers.
PIECES = st.sampled_from(
    [
        "", " ", "\n", "\t", ":", ": ", "- ", "-", "{", "}", "[", "]", "&a ", "*a", "!!int ", "|\n", ">\n", '"', "'",
        "#", "~", "null", "true", "yes", "1", "-1", "1e999", ".nan", ".inf", "9" * 400, "0x", "V", "mm", "deg", "rad/s",
        "robot", "pendulum", "name", "../x.yaml", "/dev/null/x.yaml", "~root/x.yaml", "\x00", "\x85", "\ufeff", "ß🤖",
        "<<: ", "---\n", "? ", "%YAML 9\n", '"\\ud800"', "\\", "${HOME}", "a" * 300,
    ]
)  # fmt: skip


@st.composite
def edits(draw: st.DrawFn, text: str) -> bytes:
    """A few random edits: tokens or lines deleted, doubled, swapped or replaced, then possibly one byte."""
    for _ in range(draw(st.integers(1, 3))):
        pieces = text.splitlines(keepends=True) if draw(st.booleans()) else TOKEN.findall(text)
        if not pieces:
            break
        at, other = draw(st.integers(0, len(pieces) - 1)), draw(st.integers(0, len(pieces) - 1))
        kind = draw(st.sampled_from(["delete", "double", "swap", "replace", "insert", "copy"]))
        if kind == "delete":
            del pieces[at]
        elif kind == "double":
            pieces.insert(at, pieces[at])
        elif kind == "swap":
            pieces[at], pieces[other] = pieces[other], pieces[at]
        elif kind == "replace":
            pieces[at] = draw(PIECES)
        elif kind == "insert":
            pieces.insert(at, draw(PIECES))
        else:
            pieces[at] = pieces[other]
        text = "".join(pieces)
    content = bytearray(text.encode())
    if content and draw(st.integers(0, 3)) == 0:
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content)


def verdict(kind: str, reference: str, overrides: tuple[str, ...] = ()) -> str | None:
    """None if the file loads, else the message of the `ConfigError`; other exceptions fail the test."""
    try:
        config = load(kind, SCHEMAS[kind], reference, overrides)
    except ConfigError as error:
        return str(error)
    assert dump(config)
    return None


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
# So many of each of a hundred and fifty files: some three thousand edits.
@settings(max_examples=20, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_an_edited_file_loads_or_is_refused_in_one_line(
    kind: str, name: str, data: st.DataObject, tmp_path: Path
) -> None:
    path = tmp_path / "edited.yaml"
    path.write_bytes(data.draw(edits((ROOT / kind / f"{name}.yaml").read_text())))
    message = verdict(kind, str(path))
    if message is not None:
        assert message.isprintable()
        # The location is the edited file, or a shipped one for a check across files; it is never missing.
        assert re.match(rf"({re.escape(str(path))}|{re.escape(str(ROOT))}/\S+\.yaml)(:\d+)?: ", message)


OVERRIDE_KEYS = st.sampled_from(
    ["name", "task", "task.robot", "task.robot.joints.pivot.id", "task.observation.0", "task.observation", "algorithm",
     "algorithm.name", "algorithm.hidden.0", "task.robot.joints", "seed", "randomization.parameters.0.range.1", "x"]
)  # fmt: skip


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(OVERRIDE_KEYS | st.text(max_size=8), min_size=1, max_size=3), PIECES | st.text(max_size=12), st.data())
def test_any_override_is_applied_or_refused_in_one_line(keys: list[str], value: str, data: st.DataObject) -> None:
    overrides = tuple(f"{key}{data.draw(st.sampled_from(['=', '.', '']))}{value}" for key in keys)
    message = verdict("experiments", "pendulum_ppo", overrides)
    assert message is None or message.isprintable()
