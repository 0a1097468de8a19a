"""The outside of an ONNX file: its metadata, and a digest of its content that it carries with it.

The file is a protocol buffer, `ModelProto` of onnx.proto: a sequence of fields, each a tag and a value. It is read
here without the package `onnx`, which a robot does not need, and before any graph is handed to onnxruntime. The digest
covers every field but the metadata entry that holds it, so a weight that changed after export is found.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

MODEL_DIGEST_KEY: Final = "sim2real.model_sha256"

_METADATA: Final = 14
"""`ModelProto.metadata_props`, a message of key (1) and value (2)."""
_VARINT, _BITS_64, _BYTES, _BITS_32 = 0, 1, 2, 5
_SIZES: Final = {_BITS_64: 8, _BITS_32: 4}
_VARINT_BYTES_MAX: Final = 10


def with_digest(model: bytes) -> bytes:
    """Return a model with the digest of its content in its metadata. Raises ValueError if it is no protocol buffer."""
    return model + _entry(MODEL_DIGEST_KEY, model_digest(model))


def with_metadata(model: bytes, entries: Mapping[str, str]) -> bytes:
    """Return a model with metadata entries set; without its digest, which fits no longer: see `with_digest`.

    Raises:
        ValueError: The bytes are no sequence of fields.
    """
    replaced = {key.encode() for key in (*entries, MODEL_DIGEST_KEY)}
    kept = [
        model[start:end]
        for number, start, value, end in _fields(model)
        if number != _METADATA or _texts(model[value:end]).get(1) not in replaced
    ]
    return b"".join([*kept, *(_entry(key, value) for key, value in entries.items())])


def model_digest(model: bytes) -> str:
    """Return the SHA-256 of a model's content, hex digits, without the entry that holds it.

    Raises:
        ValueError: The bytes are no sequence of fields.
    """
    digest = hashlib.sha256()
    for number, start, value, end in _fields(model):
        if number != _METADATA or _texts(model[value:end]).get(1) != MODEL_DIGEST_KEY.encode():
            digest.update(model[start:end])
    return digest.hexdigest()


def metadata_of(model: bytes) -> dict[str, str]:
    """Return the metadata of a model; of two entries with one key the last.

    Raises:
        ValueError: There are no bytes, they are no sequence of fields, or a text is no UTF-8.
    """
    if not model:
        raise ValueError("the file is empty")
    entries = [_texts(model[value:end]) for number, _, value, end in _fields(model) if number == _METADATA]
    return {entry.get(1, b"").decode(): entry.get(2, b"").decode() for entry in entries}


def _entry(key: str, value: str) -> bytes:
    """Return one entry of the metadata, as the field that it is."""
    return _length_delimited(_METADATA, _length_delimited(1, key.encode()) + _length_delimited(2, value.encode()))


def _texts(entry: bytes) -> dict[int, bytes]:
    return {number: entry[value:end] for number, _, value, end in _fields(entry)}


def _fields(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield each field's number, start, start of its value and end."""
    at = 0
    while at < len(data):
        start = at
        tag, at = _varint(data, at)
        if tag < 8:  # zeros, as of a file that was never written to the end
            raise ValueError("no field has the number 0")
        kind, value = tag & 7, at
        if kind == _VARINT:
            _, at = _varint(data, at)
        elif kind == _BYTES:
            size, value = _varint(data, at)
            at = value + size
        elif kind in _SIZES:
            at += _SIZES[kind]
        else:
            raise ValueError(f"no field of kind {kind}")
        if at > len(data):
            raise ValueError("a field goes beyond the end")
        yield tag >> 3, start, value, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for number, byte in enumerate(data[at : at + _VARINT_BYTES_MAX]):
        value |= (byte & 0x7F) << (7 * number)
        if byte < 0x80:  # the high bit says that more follows
            return value, at + number + 1
    raise ValueError("a number has no end")


def _length_delimited(number: int, value: bytes) -> bytes:
    return _number(number << 3 | _BYTES) + _number(len(value)) + value


def _number(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:  # seven bits in a byte
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*made, value))
