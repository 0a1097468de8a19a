"""Laws of the YAML source: every value has its line, and invalid text raises only `ConfigError`."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from sim2real.configs.errors import ConfigError
from sim2real.configs.library import KINDS, ROOT, shipped
from sim2real.configs.yaml_scalars import CoreDumper
from sim2real.configs.yaml_source import Sourced, parse_value, parse_yaml, read_yaml

SHIPPED = [ROOT / kind / f"{name}.yaml" for kind in KINDS for name in shipped(kind)]


def error_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "robot.yaml")
    return str(caught.value)


def test_every_key_and_entry_knows_its_line() -> None:
    text = "a: 1\nb:\n  c: [x,\n      y]\n\n  d:\n  - {e: 2}\n"
    origins = parse_yaml(text, "robot.yaml").origins
    lines = {path: int(origin.removeprefix("robot.yaml:")) for path, origin in origins.items()}
    assert lines == {
        (): 1, ("a",): 1, ("b",): 2, ("b", "c"): 3, ("b", "c", 0): 3, ("b", "c", 1): 4, ("b", "d"): 6,
        ("b", "d", 0): 7, ("b", "d", 0, "e"): 7,
    }  # fmt: skip


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_line_of_a_key_holds_the_key(path: Path) -> None:
    lines = path.read_text().splitlines()
    for keys, origin in read_yaml(path).origins.items():
        if keys and isinstance(keys[-1], str):
            assert f"{keys[-1]}:" in lines[int(origin.rsplit(":", 1)[1]) - 1]


def test_a_value_without_a_line_has_that_of_its_parent() -> None:
    sourced = parse_yaml("a:\n  b: 1\n", "robot.yaml")
    assert sourced.origin(("a", "missing", 3)) == "robot.yaml:1"
    assert Sourced({}).origin(("a",)) == "configuration"


def test_a_graft_replaces_values_and_lines() -> None:
    sourced = parse_yaml("a:\n  b:\n    c: 1\n", "old.yaml")
    sourced.graft(("a", "b"), parse_yaml("\n\nd: 2\n", "new.yaml"))
    assert sourced.data == {"a": {"b": {"d": 2}}}
    assert sourced.origin(("a", "b", "d")) == "new.yaml:3"
    assert ("a", "b", "c") not in sourced.origins


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("off", "off"), ("yes", "yes"), ("true", True), ("False", False), ("010", 10), ("0o10", 8), ("0x1F", 31),
        ("1:30", "1:30"), ("2026-11-20", "2026-11-20"), ("3e-4", 3e-4), ("1e3", 1000.0), ("-.5", -0.5), ("+1", 1),
        ("~", None), ("", None), ("null", None), ("=", "="), ("<<", "<<"), ("1_000", "1_000"), ("'12'", "12"),
        ("!!str 12", "12"), ("!!float 12", 12.0), (".inf", float("inf")), ("-.INF", float("-inf")),
    ],
)  # fmt: skip
def test_scalars_are_read_by_yaml_1_2(text: str, value: object) -> None:
    found = parse_value(text, "here").data
    assert (found, type(found)) == (value, type(value))


ANY_SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**18), 10**18), st.floats(allow_nan=False), st.text(max_size=20)
)
ANY_TREE = st.recursive(
    ANY_SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@given(st.dictionaries(st.text(max_size=8), ANY_TREE, max_size=4))
@example({"a": "1e3", "b": "0o7", "c": "off", "d": "1:30", "e": "2026-11-20", "f": "~", "g": "", "h": "-.5"})
def test_dumped_scalars_keep_their_types(tree: dict[str, object]) -> None:
    text = yaml.dump(tree, Dumper=CoreDumper, allow_unicode=True)
    assert parse_yaml(text, "dump.yaml").data == tree


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "robot.yaml:3: key 'a' is given twice"),
        ("a:\n  b: 1\n  b: 1\n", "robot.yaml:3: key 'b' is given twice"),
        ("1: a\n'1': b\n", "robot.yaml:2: key '1' is given twice"),
        ("[a, b]: 1\n", "robot.yaml:1: keys must be text"),
        ("- a\n", "robot.yaml:1: must be a mapping of keys to values"),
        ("", "robot.yaml:1: must be a mapping of keys to values"),
        ("# nothing\n", "robot.yaml:1: must be a mapping of keys to values"),
        ("a: 1\nb: [1, 2\n", "robot.yaml:3: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\n\tb: 2\n", "robot.yaml:2: not valid YAML: "),
        ("a: *nowhere\n", "robot.yaml:1: not valid YAML: found undefined alias 'nowhere'"),
        ("a: 1\n---\nb: 2\n", "robot.yaml:2: not valid YAML: but found another document"),
        ("a: 1\nb: \x00\n", "robot.yaml:2: not valid YAML: a control character in the text"),
        ("a: 1\nb: !!python/object/apply:os.system [id]\n", ""),
        ("a: !!python/name:os.system x\n", "robot.yaml:1: 'x' cannot be read with the tag 'python/name:os.system'"),
        ("a: !!int twelve\n", "robot.yaml:1: 'twelve' cannot be read with the tag 'int'; valid tags: null, bool"),
        ("a: !!timestamp 2026-11-20\n", "cannot be read with the tag 'timestamp'"),
        (f"a: {'9' * 5000}\n", "robot.yaml:1: 999999999999999999999999… has too many digits"),
        ('a: 1\nb: "\\ud800"\n', "robot.yaml:2: holds half of a surrogate pair"),
        ('"\\udfff": 1\n', "robot.yaml:1: holds half of a surrogate pair"),
    ],
)
def test_errors_are_reported_with_their_line(text: str, message: str) -> None:
    if message:
        assert message in error_of(text)
    else:  # a tag on a sequence or mapping has no effect
        assert parse_yaml(text, "robot.yaml").data == {"a": 1, "b": ["id"]}


def test_an_alias_bomb_is_stopped() -> None:
    levels = [f"l{n + 1}: &l{n + 1} [{', '.join([f'*l{n}'] * 10)}]" for n in range(9)]
    text = "\n".join(["l0: &l0 [x, x, x, x, x, x, x, x, x, x]", *levels])
    assert "too large or too deeply nested for a configuration" in error_of(text)


@pytest.mark.parametrize("text", ["a: &a [*a]\n", "a: &a {b: *a}\n", "a: &a\n  - b: *a\n", "&a b: *a\n"])
def test_a_recursive_alias_is_refused_or_plain(text: str) -> None:
    if text.startswith("&"):
        assert parse_yaml(text, "robot.yaml").data == {"b": "b"}
    else:
        assert "robot.yaml:1: too large or too deeply nested" in error_of(text)


@pytest.mark.parametrize("text", ["a: " + "[" * 20_000, "a: " + "[" * 70 + "]" * 70, "a: " + "{b: " * 5_000])
def test_deep_nesting_is_stopped(text: str) -> None:
    assert "too" in error_of(text)


def test_a_file_that_is_not_utf8_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: arm\ndescription: größer\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.yaml:2: is not UTF-8 text"):
        read_yaml(path)


def test_a_byte_order_mark_is_not_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: arm\r\nid: 3\r\n")
    assert read_yaml(path).data == {"name": "arm", "id": 3}


def test_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "log.yaml"
    path.write_bytes(b"a" * 1_000_000)
    with pytest.raises(ConfigError, match="not a configuration file"):
        read_yaml(path)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml: cannot be read: No such file"):
        read_yaml(tmp_path / "gone.yaml")


YAML_TEXT = st.text(alphabet=st.sampled_from(list("ab1:-?[]{},&*!|>%@`'\"\\#~. \n\t\r\x85\u2028<=\ud800")))


def refusal(read: Callable[[], object]) -> str | None:
    """The message of the `ConfigError`, or None; other exceptions fail the test."""
    try:
        read()
    except ConfigError as error:
        return str(error)
    return None


@given(st.text() | YAML_TEXT)
@example("%YAML 1.2.3\n---\na: 1")
@example('"\\U00110000": 1')
@example("a: !<tag:\n")
@example("? \n: \n")
def test_any_text_is_data_or_one_line(text: str) -> None:
    for parse in (parse_yaml, parse_value):
        message = refusal(lambda parse=parse: parse(text, "any.yaml"))
        assert message is None or (message.isprintable() and message.startswith("any.yaml"))


@given(st.binary(max_size=100))
def test_any_bytes_are_data_or_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    message = refusal(lambda: read_yaml(path))
    assert message is None or message.isprintable()
