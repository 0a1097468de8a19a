"""Laws of a line of the socket's protocol: a request, or one clear sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim2real.runtime.operator.refusal import RefusedError
from sim2real.runtime.operator.request import ACTIONS, Request, parse_request

REFUSED = {
    b"": "not JSON",
    b"go": "not JSON",
    b"\xff\xfe": "not JSON",
    b"[1]": 'an object such as {"do": "alive"}',
    b"{}": "do: null; valid: set, alive",
    b'{"do": "walk"}': 'do: "walk"; valid: set, alive',
    b'{"do": ["set"]}': "valid: set",
    b'{"do": {"a": 1}}': "valid: set",
    b'{"do": "stop", "values": {}}': "stop: unknown key 'values'; valid: do",
    b'{"do": "set"}': "values: must be an object",
    b'{"do": "set", "values": {}}': "values: must be an object",
    b'{"do": "set", "values": [1]}': "values: must be an object",
    b'{"do": "set", "values": {"forward": "fast"}}': "command 'forward': \"fast\"; must be a number",
    b'{"do": "set", "values": {"forward": true}}': "must be a number",
    b'{"do": "set", "values": {"forward": null}}': "must be a number",
    b'{"do": "set", "values": {"forward": NaN}}': "NaN is no number",
    b'{"do": "set", "values": {"forward": -Infinity}}': "-Infinity is no number",
    b'{"do": "set", "values": {"forward": 1' + b"0" * 400 + b"}}": "64 bits",
    b'{"do": "set", "values": {"forward": 1' + b"0" * 5000 + b"}}": "",
    b'{"do": "set", "values": {"forward": 1, "forward": 2}}': "given twice",
    b'{"do": "stop", "do": "start"}': "given twice",
    b'{"do": "subscribe"}': "rate: null; must be a number",
    b'{"do": "subscribe", "rate": 1000}': "rate: 1000 Hz; valid: 0 to 100 Hz",
    b'{"do": "subscribe", "rate": -1}': "valid: 0 to 100 Hz",
    b'{"do": "set", "values": ' + b"[" * 8000: "",
}


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line[:40].decode("latin-1"))
def test_what_is_no_request_is_one_clear_sentence(line):
    with pytest.raises(RefusedError) as refused:
        parse_request(line)
    assert REFUSED[line] in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


@given(line=st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(line):
    try:
        assert parse_request(line).do in ACTIONS
    except RefusedError as error:
        assert str(error)  # noqa: PT017 - either is right


@given(
    document=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda each: (
            st.lists(each) | st.dictionaries(st.sampled_from(["do", "values", "rate", "set"]) | st.text(), each)
        ),
    )
)
def test_any_json_is_a_request_or_refused(document):
    try:
        assert parse_request(json.dumps(document).encode()).do in ACTIONS
    except RefusedError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either is right


def test_requests_are_read():
    assert parse_request(b'{"do": "set", "values": {"forward": 0.3, "turn": -1}}') == Request(
        "set", {"forward": 0.3, "turn": -1.0}
    )
    assert parse_request(b' {"do": "subscribe", "rate": 5}\r') == Request("subscribe", rate=5.0)
    for do in ("alive", "start", "stop", "estop", "reset"):
        assert parse_request(json.dumps({"do": do}).encode()) == Request(do)
