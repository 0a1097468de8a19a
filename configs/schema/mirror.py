"""The mirror of a robot: which of its names are images of each other."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from sim2real.configs.schema.base import MisplacedError

_WORD: Final = re.compile(r"[A-Za-z0-9]+")


def image_of(name: str, words: Mapping[str, str]) -> str:
    """Return the name of the mirror image: words of one side are replaced by those of the other.

    Args:
        name: Of a joint, body, geom or IMU.
        words: Word of one side, or whole name, by that of the other.
    """
    swapped = {**words, **{right: left for left, right in words.items()}}
    if name in swapped:
        return swapped[name]
    return _WORD.sub(lambda word: swapped.get(word.group(), word.group()), name)


def check_words(words: Mapping[str, str], named: Mapping[str, Iterable[str]]) -> None:
    """Refuse words that stand for two things, or that leave a name without its image.

    Args:
        words: As of `image_of`.
        named: Names that have an image, by what they are names of.

    Raises:
        MisplacedError: The message says which.
    """
    both = [*words, *words.values()]
    if twice := [word for word in both if both.count(word) > 1]:
        raise MisplacedError(("mirror",), f"{twice[0]!r} is there twice; valid: each word once, as in left: right")
    for what, names in named.items():
        known = list(names)
        for name in known:
            if (image := image_of(name, words)) not in known:
                raise MisplacedError(
                    ("mirror",), f"{what} {name!r} has no image {image!r}; valid: {', '.join(known) or 'none'}"
                )
