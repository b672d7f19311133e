"""The working size of a node whose camera is too fast for it, and of one whose size is fixed."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import (
    ALWAYS,
    PATIENCE_S,
    REAL_NODE,
    SECOND,
    image_message,
    ping,
    pixels_of,
    running,
)

T0 = 1_700_000_000 * SECOND
SIZE = (240, 427)  # worked in full, unless the machine is too slow
FRAME_NS = SECOND // 100
RADIUS = 30
RNG = np.random.default_rng(5)
GROUND, PAINT = (
    cv2.resize(RNG.integers(low, low + 110, (*shape, 3), np.uint8), SIZE[::-1])
    for low, shape in ((20, (60, 107)), (130, (80, 142)))
)


def disc_at(x: float) -> np.ndarray:
    """(H, W) bool."""
    rows, columns = np.ogrid[: SIZE[0], : SIZE[1]]
    return np.asarray(np.hypot(columns - x, rows - 120) < RADIUS)


class Show:
    """A disc before a camera that stands still; it goes to and fro."""

    def __init__(self) -> None:
        self.count = 0
        self.way_px = 0.0
        self.places: dict[int, float] = {}

    def next(self, step_px: float) -> Any:
        """The next image, a hundredth of a second later, the disc a step on."""
        self.way_px += step_px
        self.count += 1
        stamp_ns = T0 + self.count * FRAME_NS
        self.places[stamp_ns] = x = 60 + abs(self.way_px % 600 - 300)
        image = GROUND.copy()
        shift = np.float32([[1, 0, x], [0, 1, 0]])
        on = disc_at(x)
        image[on] = cv2.warpAffine(PAINT, shift, SIZE[::-1], borderMode=cv2.BORDER_WRAP)[on]
        return image_message(image, stamp_ns)


def shown(status: Any) -> str:
    """The working size in a status, "" without."""
    return {each.key: str(each.value) for each in status.values}.get("working size", "")


def iou(found: np.ndarray, truth: np.ndarray) -> float:
    return float((found & truth).sum() / (found | truth).sum())


def test_a_camera_too_fast_gets_smaller_working_images_and_keeps_its_ids(tmp_path: Path) -> None:
    arguments = ("-p", "diagnostics.period_s:=0.2", "-r", "__ns:=/sizes")
    bench_options = {"namespace": "sizes", "outputs": ALWAYS}
    with running(tmp_path / "log", *arguments, command=REAL_NODE, **bench_options) as pair:
        node, bench = pair
        show = Show()
        bench.connect(node, ping)

        def seen(frames: int) -> tuple[set[int], float, int]:
            """Ids, median overlap with the disc, and the epoch, of frames shown one by one."""
            ids, overlaps = set(), []
            for _ in range(frames):
                bench.ask(show.next(2.0))
                stamp_ns = max(show.places)
                objects = bench.answer("objects", stamp_ns)
                ids |= {each.id for each in objects.objects}
                mask = pixels_of(bench.answer("moving_mask", stamp_ns)) == 255
                overlaps.append(iou(mask, disc_at(show.places[stamp_ns])))
            return ids, float(np.median(overlaps)), objects.epoch

        seen(12)
        ids, overlap, epoch = seen(8)
        assert len(ids) == 1
        assert overlap > 0.6
        bench.status("segmentation", lambda s: shown(s).startswith("427x240 (auto"))
        end = time.monotonic() + PATIENCE_S
        while not node.told("working size"):
            assert time.monotonic() < end, shown(bench.status("segmentation"))
            bench.images.publish(show.next(0.2))
            bench.spin(FRAME_NS / SECOND)
        status = bench.status("segmentation", lambda s: not shown(s).startswith("427x240"))
        assert re.fullmatch(r"320x180 \(auto: .*\d+ ms of \d+ ms.*\)", shown(status))
        bench.spin_until(lambda: bench.has(max(show.places)))
        bench.clear()
        ids_then, overlap, epoch_then = seen(12)
        assert (ids_then, epoch_then) == (ids, epoch)
        assert overlap > 0.6


def test_a_fixed_size_is_shown(tmp_path: Path) -> None:
    arguments = (
        "-p",
        "diagnostics.period_s:=0.2",
        "-p",
        "flow.max_side_px:=48",
        "-r",
        "__ns:=/fixed",
    )
    with running(tmp_path / "log", *arguments, namespace="fixed") as (node, bench):
        bench.connect(node, ping)
        bench.ask(ping(T0))
        assert shown(bench.status("segmentation", shown)) == "48x48"
