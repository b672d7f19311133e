"""Objects with the fields of sensor_msgs/Image, for code that needs no ROS."""

from __future__ import annotations

from array import array
from types import SimpleNamespace
from typing import Any

import numpy as np


def message(pixels: np.ndarray, encoding: str, *, pad: int = 0, big: bool = False) -> Any:
    """An Image of `pixels`, rows padded with `pad` bytes of rubbish."""
    if big:
        pixels = pixels.astype(pixels.dtype.newbyteorder(">"))
    rows = [row.tobytes() + b"\xaa" * pad for row in np.ascontiguousarray(pixels)]
    return SimpleNamespace(
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=int(big),
        step=len(rows[0]),
        data=array("B", b"".join(rows)),
    )
