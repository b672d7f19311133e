"""The profile `full` through the node, live: toy networks with random weights, discovery beside the
frames; and a device that is full for once."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from checkout import SUPPORT
from tiny_networks import transformers_library

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import ALWAYS, SECOND, image_message, pixels_of, running, value

from motion_seg_ros.lab.benchmark.random_networks import write_random_weights
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scenes import one_mover_still_camera

transformers_library()

NODE = (sys.executable, str(SUPPORT / "full_device_node.py"))
SIZE = (160, 120)
STEP_NS = SECOND // 10
FRAMES, FULL_AT, MOST_FRAMES = 16, 11, 100
TOYS = {
    "depth.depth_anything.weights": "depth_anything_v2_small",
    "features.dino.weights": "dinov2_base",
    "labelling.official.weights": "segment_any_motion_tracks",
    "masks.sam2.weights": "sam2.1_hiera_tiny",
}
SETTINGS = {
    "profile": "full",
    "device": "cpu",
    "tracking.tapir.weights": __file__,  # of any file: optical flow is in the place of the network
    "tracking.tapir.points": 300,
    "window.size": 6,
    "window.max_gap_s": 60.0,
    "depth.depth_anything.short_side_px": 42,
    "labelling.official.threshold": 0.0,  # something always moves
    "masks.sam2.discovery_interval": 2,
    "diagnostics.period_s": 0.2,
}


def test_live_with_discovery_beside_the_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FULL_AT", str(FULL_AT))
    settings = dict(SETTINGS)
    for setting, name in TOYS.items():
        toy = write_random_weights(name, tmp_path / name, toy=True, seed=1)
        settings[setting] = str(toy)
    arguments = [each for name, v in settings.items() for each in ("-p", f"{name}:={v}")]
    with running(tmp_path / "log", *arguments, command=NODE) as (node, bench):
        bench.spin_until(lambda: bench.images.get_subscription_count() > 0)
        images = [frame.image_bgr for frame in Renderer(one_mover_still_camera(1, SIZE, FRAMES))]
        stamps = [(k + 1) * STEP_NS for k in range(FRAMES)]
        for stamp, image in zip(stamps, images, strict=True):
            assert node.alive, node.output
            bench.ask(image_message(image, stamp))
        while not bench.answer("tracks", stamps[-1]).tracks:  # no discovery has ended since
            assert len(stamps) < MOST_FRAMES, node.output
            stamps.append(stamps[-1] + STEP_NS)
            bench.ask(image_message(images[-1], stamps[-1]))
        sources = []
        for stamp in stamps:
            for topic in ALWAYS:
                assert bench.answer(topic, stamp)
            objects = bench.answer("objects", stamp)
            sources.append(objects.source)
            assert all(each.age == 0 for each in objects.objects)
            ids = pixels_of(bench.answer("instance_mask", stamp))
            assert {each.id for each in objects.objects} == set(np.unique(ids)) - {0}
        full = FULL_AT - 1
        assert sources == [int(k == full) for k in range(len(stamps))]
        assert "out of memory" in bench.answer("objects", stamps[full]).abstention
        assert node.output.count("out of memory; the window was dropped") == 1
        assert "from now on sam2 keeps 7 frames" in node.output

        for stamp in stamps:
            tracks = bench.answer("tracks", stamp)
            # In frames, of which the newest one is never looked at before it is answered.
            late = round(tracks.age * SECOND / STEP_NS)
            assert late >= 1 or not tracks.tracks
            assert tracks.source == int(late > 0 or stamp == stamps[full])
        status = bench.status("segmentation")
        assert value(status, "backend discovery") == "background"
        assert value(status, "backend labelling") == "official"
        assert value(status, "backend features") == "dino"
        assert float(value(status, "discovery duration p50 [ms]")) > 0
        assert float(value(status, "discovery age [ms]")) >= STEP_NS * 1e-6 - 1e-3
        assert "out of memory" in value(status, "last error")
