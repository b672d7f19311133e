"""CameraInfo messages, without ROS."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

K = (525.0, 0.0, 319.5, 0.0, 520.0, 239.5, 0.0, 0.0, 1.0)
P = (500.0, 0.0, 310.5, -40.0, 0.0, 490.0, 230.5, 0.0, 0.0, 0.0, 1.0, 0.0)


def camera_info(
    k: Any = K,
    size: tuple[int, int] = (480, 640),
    *,
    model: str = "plumb_bob",
    d: Any = (0.0,) * 5,
    p: Any = P,
    roi: tuple[int, int, int, int] = (0, 0, 0, 0),
    binning: tuple[int, int] = (0, 0),
) -> Any:
    """Return a message with the fields of sensor_msgs/CameraInfo; `size` is (height, width), `roi`
    x, y, width, height."""
    x, y, width, height = roi
    return SimpleNamespace(
        height=size[0],
        width=size[1],
        distortion_model=model,
        d=np.array(d, np.float64),
        k=np.array(k, np.float64),
        p=np.array(p, np.float64),
        binning_x=binning[0],
        binning_y=binning[1],
        roi=SimpleNamespace(x_offset=x, y_offset=y, width=width, height=height),
    )
