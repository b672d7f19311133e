"""A mover that fills much of a depth camera's image does not become the world."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.build import build
from motion_seg_ros.lab.evaluation.trajectory.walks import walk_scene
from motion_seg_ros.lab.synthetic.depth_sensor import KINECT, frame_with_depth
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import make_config

SETTLED, LAST = 20, 40  # frames: the window has been full for a while; the box is still in view


def test_a_large_box_carried_past_a_depth_camera_is_masked() -> None:
    scene = walk_scene("box_carried")
    segmenter = build(resolve(make_config({"depth.backend": "topic"})))
    moves, masked = [], []
    for each in Renderer(scene):
        if each.index == LAST:
            break
        result = segmenter.push(frame_with_depth(each, KINECT, scene.seed))
        if result is not None and each.index >= SETTLED:
            moves.append(each.instances != 0)
            masked.append(result.masks.id_map != 0)
    truth, found = np.stack(moves), np.stack(masked)
    assert truth.mean() > 0.3
    assert (found & truth).sum() > 0.8 * truth.sum()
    assert (found & ~truth).sum() < 0.1 * truth.sum()
