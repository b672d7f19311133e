"""A walker's leg that stands still for some frames belongs to the walker."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.build import build
from motion_seg_ros.lab.synthetic.demo import demo_clip
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import make_config

WALKER = 1
FIRST, LAST = 16, 52  # the window is full, and the column hides nothing of the walker yet
STILL_PX, MOVED_PX = 1.0, 3.0  # over the last two frames; over the window
FEW = 20  # pixels


def test_a_standing_leg_is_masked_as_part_of_its_walker():
    scene = demo_clip()
    truth, segmenter = GroundTruth(scene), build(resolve(make_config()))
    standing: list[bool] = []
    ids: set[int] = set()
    for each in Renderer(scene):
        if each.index > LAST:
            break
        result = segmenter.push(each.frame)
        if result is None or each.index < FIRST:
            continue
        y, x = np.nonzero(each.instances == WALKER)
        window = range(each.index - 1, each.index - FIRST, -1)
        moved = truth.deviations(np.stack([x, y], axis=1), each.index, window)
        still = (moved[:2].max(axis=0) < STILL_PX) & (moved.max(axis=0) > MOVED_PX)
        found = result.masks.id_map[y, x]
        if still.sum() < FEW or (found[~still] != 0).mean() < 0.5:
            continue
        standing += (found[still] != 0).tolist()
        for part in (found[~still], found[still]):
            if part.any():
                ids.add(int(np.bincount(part[part != 0]).argmax()))
    assert len(standing) > 300
    assert np.mean(standing) > 0.9
    assert len(ids) == 1
