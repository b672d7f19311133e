"""Messages for the worker without ROS, and where it logs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

SECOND = 10**9


def message(stamp_ns: int, value: int = 0, size: tuple[int, int] = (4, 6), **change: Any) -> Any:
    sec, nanosec = divmod(stamp_ns, SECOND)
    fields = {
        "header": SimpleNamespace(stamp=SimpleNamespace(sec=sec, nanosec=nanosec), frame_id="c"),
        "height": size[0],
        "width": size[1],
        "encoding": "mono8",
        "is_bigendian": 0,
        "step": size[1],
        "data": bytes([value]) * (size[0] * size[1]),
    }
    return SimpleNamespace(**{**fields, **change})


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.info = self.warning = self.error = self.lines.append
