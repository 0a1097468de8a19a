"""A mirror as it acts on a row of values: each is taken from another place, with a sign."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim2real.hardware.types import Float64Array, Indices


@dataclass(frozen=True)
class SignedPermutation:
    """image[k] = sign[k] · row[index[k]]."""

    index: Indices
    """Places, (W,)."""
    sign: Float64Array
    """(W,), ±1."""

    @classmethod
    def of(
        cls, index: Sequence[int] | Indices, sign: Sequence[float] | Float64Array | None = None
    ) -> "SignedPermutation":
        """Return one from places and signs; without signs all stay."""
        places = np.asarray(index, np.intp)
        return cls(places, np.ones(len(places)) if sign is None else np.asarray(sign, np.float64))

    @classmethod
    def joined(cls, parts: Iterable["SignedPermutation"]) -> "SignedPermutation":
        """Return one for rows whose parts lie side by side."""
        index, sign, start = [np.zeros(0, np.intp)], [np.zeros(0)], 0
        for part in parts:
            index.append(part.index + start)
            sign.append(part.sign)
            start += len(part)
        return cls(np.concatenate(index), np.concatenate(sign))

    def __len__(self) -> int:
        """Return W."""
        return len(self.index)

    def __call__(self, rows: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Return the images of rows, (…, W)."""
        image: npt.NDArray[np.floating] = rows[..., self.index] * self.sign.astype(rows.dtype)
        return image

    @property
    def is_involution(self) -> bool:
        """Whether the image of an image is the row itself."""
        twice = self.index[self.index], self.sign * self.sign[self.index]
        return bool((twice[0] == np.arange(len(self))).all() and (twice[1] == 1.0).all())
