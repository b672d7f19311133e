"""The node with its real pipeline, fed with rendered scenes whose moving pixels are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import (
    ALWAYS,
    REAL_NODE,
    SECOND,
    Bench,
    NodeProcess,
    image_message,
    ping,
    pixels_of,
    running,
    stamp_of,
    value,
)
from std_srvs.srv import Trigger

from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.renderer import RenderedFrame, Renderer
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.labelling.network.calibration import Calibration
from motion_seg_ros.networks.runtime import library
from motion_seg_ros.weights.cache import resolve as weights_path
from motion_seg_ros.weights.formats import file_metadata

T0 = 1_700_000_000 * SECOND
Pair = tuple[NodeProcess, Bench]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    log = tmp_path_factory.mktemp("scenes") / "log"
    with running(log, command=REAL_NODE) as (node, bench):
        bench.connect(node, ping)
        yield node, bench


def play(pair: Pair, scene: Scene) -> list[RenderedFrame]:
    """Show a scene to the node, frame by frame, each after the answer to the one before."""
    node, bench = pair
    bench.call(Trigger, "motion_seg/reset", Trigger.Request())
    bench.clear()
    rendered = list(Renderer(scene))
    for frame in rendered:
        assert node.alive, node.output
        bench.ask(image_message(frame.image_bgr, T0 + frame.stamp_ns))
    for topic in ALWAYS:
        assert [stamp_of(each) for each in bench.answers[topic]] == [
            T0 + frame.stamp_ns for frame in rendered
        ]
    return rendered


def iou(found: np.ndarray, truth: np.ndarray) -> float:
    union = (found | truth).sum()
    return float((found & truth).sum() / union) if union else 1.0


@pytest.mark.parametrize("make", [scenes.one_mover_still_camera, scenes.mover_under_parallax])
def test_the_mover_is_masked(pair: Pair, make: object) -> None:
    _, bench = pair
    rendered = play(pair, make(frames=24))  # type: ignore[operator]
    overlaps = []
    probabilities: dict[bool, list[float]] = {False: [], True: []}
    for frame in rendered[10:]:
        stamp = T0 + frame.stamp_ns
        found = pixels_of(bench.answer("moving_mask", stamp)) == 255
        overlaps.append(iou(found, frame.moving))

        ids = pixels_of(bench.answer("instance_mask", stamp))
        np.testing.assert_array_equal(ids != 0, found)
        objects = bench.answer("objects", stamp).objects
        assert [each.id for each in objects] == sorted(set(np.unique(ids)) - {0})
        for each in objects:
            y, x = np.nonzero(ids == each.id)
            assert each.area == x.size
            assert tuple(each.centroid) == pytest.approx((x.mean(), y.mean()), abs=1e-2)
            box = each.box
            assert (box.x_offset, box.y_offset) == (x.min(), y.min())
            assert (box.width, box.height) == (np.ptp(x) + 1, np.ptp(y) + 1)

        for track in bench.answer("tracks", stamp).tracks:
            x, y = (round(float(v)) for v in track.position)
            inside = 0 <= x < ids.shape[1] and 0 <= y < ids.shape[0]
            assert track.object_id == (ids[y, x] if track.visible and inside else 0)
            if track.visible and inside and np.isfinite(track.moving_probability):
                probabilities[bool(frame.moving[y, x])].append(track.moving_probability)
    assert np.median(overlaps) > 0.5, overlaps
    path = weights_path("track_transformer_lite")
    threshold = Calibration.from_metadata(file_metadata(path), path).threshold
    assert np.median(probabilities[False]) < threshold < np.median(probabilities[True])


def test_it_runs_without_pytorch(pair: Pair) -> None:
    node, bench = pair
    play(pair, scenes.one_mover_still_camera(frames=6))
    loaded = Path(f"/proc/{node.pid}/maps").read_text()
    assert "cv2" in loaded
    assert "torch" not in loaded
    assert value(bench.status("segmentation"), "backend networks") == library()


@pytest.mark.parametrize("make", [scenes.pan_only, scenes.static_scene_still_camera])
def test_nothing_moves(pair: Pair, make: object) -> None:
    _, bench = pair
    rendered = play(pair, make(frames=16))  # type: ignore[operator]
    shares = [
        (pixels_of(bench.answer("moving_mask", T0 + frame.stamp_ns)) == 255).mean()
        for frame in rendered
    ]
    assert max(shares) < 0.01, shares
