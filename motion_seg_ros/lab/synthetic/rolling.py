"""Rolling shutters: linear maps of pixels that change from row to row of an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Bounds = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels."""


@dataclass(frozen=True, eq=False)
class Rolling:
    """Change of a linear map of pixels while a rolling shutter reads an image.

    Attributes:
        change: (3, 3) from the first row to the last, linear in between: exact to the first order
            of the motion within a frame.
        height: of the image in pixels.
    """

    change: Array
    height: int

    def share(self, y: Array) -> Array:
        """Return the share of the readout that is over at image rows."""
        return np.asarray(np.clip((y + 0.5) / self.height, 0, 1))


def linear(rows: Array, rolling: Rolling | None, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Return rows @ (x, y, 1) of a (3, 3) map, which may change from row to row."""
    first, second, third = ((row[0] * x + row[2]) + row[1] * y for row in rows)
    if rolling is None:
        return first, second, third
    share = rolling.share(y)
    more = [share * ((row[0] * x + row[2]) + row[1] * y) for row in rolling.change]
    return first + more[0], second + more[1], third + more[2]


def union(one: Bounds, other: Bounds) -> Bounds:
    """Return the smallest box around two."""
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )
