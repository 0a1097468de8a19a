"""A policy's weights as an image of their own, which a controller can be sent while its program stays."""

import struct
import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from sim2real.training.c_source.graph import Array

MAGIC: Final = b"S2RW"
VERSION: Final = 1

_HEAD = struct.Struct("<4sIII")  # magic, version, layout, number of floats

LOAD: Final = """\
bool {p}_load(const void *image, size_t bytes)
{{
    static const uint8_t head[12] = {{{head}}};
    const uint8_t *given = image;
    const float *w = (const float *)(const void *)(given + {head_bytes});
    if (bytes != {total}u || (uintptr_t)image % sizeof(float) != 0)
        return false;
    for (int i = 0; i < 12; i++)
        if (given[i] != head[i])
            return false;
{places}    return true;
}}
"""


def layout_of(contract_digest: str, constants: Sequence[Array]) -> int:
    """Return the number of a program's layout: weights of another contract or of other shapes have another."""
    sizes = " ".join(str(values.size) for values in constants)
    return zlib.crc32(f"{contract_digest} {sizes}".encode())


def weights_image(contract_digest: str, constants: Sequence[Array]) -> bytes:
    """Return the image: a head of 16 bytes, and all weights as little-endian floats."""
    count = sum(values.size for values in constants)
    head = _HEAD.pack(MAGIC, VERSION, layout_of(contract_digest, constants), count)
    return head + b"".join(np.ascontiguousarray(values, "<f4").tobytes() for values in constants)


def load_function(prefix: str, contract_digest: str, constants: Sequence[Array]) -> str:
    """Return the function that takes an image, and points every constant into it."""
    image = weights_image(contract_digest, constants)
    places, at = [], 0
    for number, values in enumerate(constants):
        places.append(f"    {prefix}_c{number} = w + {at};\n")
        at += values.size
    head = ", ".join(f"0x{byte:02x}" for byte in image[:12])
    return LOAD.format(p=prefix, head=head, head_bytes=_HEAD.size, total=len(image), places="".join(places))
