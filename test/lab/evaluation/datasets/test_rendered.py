"""The rendered data set."""

from __future__ import annotations

from pathlib import Path

import annotated_folders as made
import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.lab.evaluation.datasets.catalogue import Place, open_dataset
from motion_seg_ros.lab.evaluation.datasets.rendered import RenderedFrames
from motion_seg_ros.lab.synthetic import scenes
from motion_seg_ros.lab.synthetic.depth_sensor import STEREO
from motion_seg_ros.lab.synthetic.renderer import Renderer


def test_truth_is_that_of_the_pictures() -> None:
    (sequence,) = made.opened("synthetic", None, "mover_stops").sequences
    items = list(sequence.frames)
    # All but the first: of one picture alone nothing can be told.
    assert sequence.scored == tuple(each.name for each in items[1:])
    assert [sequence.truth(name).id_map.max() for name in ("00002", "00020")] == [1, 0]
    assert [sequence.truth(name).moving for name in ("00002", "00020")] == [{1}, set()]
    # Between two frames while it moves, only where the mover was or is the pictures differ.
    before, after = items[2].frame.image_bgr, items[3].frame.image_bgr
    changed = np.abs(before.astype(int) - after).max(axis=2) > 0
    moving = sequence.truth("00002").id_map + sequence.truth("00003").id_map > 0
    assert changed[moving].mean() > 0.8
    assert changed[~moving].mean() < 0.01


def test_all_scenes_are_there() -> None:
    data = made.opened("synthetic", None)
    assert {"pan_only", "crossing_movers"} < {each.name for each in data.sequences}
    assert data.separate


def test_no_such_scene() -> None:
    with pytest.raises(InputError, match="--sequences walk: expected a sequence"):
        made.opened("synthetic", None, "walk")


def test_each_seed_is_another_scene() -> None:
    place = Place(None, ("pan_only", "mover_stops"), seeds=(0, 7))
    found = open_dataset("synthetic", place).sequences
    assert [each.name for each in found] == [
        *("pan_only", "pan_only_7", "mover_stops", "mover_stops_7")
    ]
    first, other = (next(iter(each.frames)).frame.image_bgr for each in found[:2])
    assert (first != other).mean() > 0.5


def test_the_column_of_the_demo_is_a_static_thing() -> None:
    (sequence,) = made.opened("synthetic", None, "demo").sequences
    truth = sequence.truth("00060")
    assert truth.things.keys() == {"column"}
    pixels = truth.things["column"]
    assert 0.03 < pixels.mean() < 0.06
    assert not truth.id_map[pixels].any()
    # Upright, and straight where nothing is in front of it.
    assert pixels.any(axis=1).sum() > 2 * pixels.any(axis=0).sum()
    assert not made.opened("synthetic", None, "pan_only").sequences[0].truth("00003").things


def test_kinds_that_are_held_out_of_training() -> None:
    kinds = {"near": scenes.pan_only, "far": scenes.mover_stops}
    found = open_dataset("unseen", Place(None), kinds)
    assert [each.name for each in found.sequences] == ["near", "far"]
    with pytest.raises(InputError, match=r"--sequences walk: .* there are far, near"):
        open_dataset("unseen", Place(None, ("walk",)), kinds)


def test_it_has_no_root(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--root: expected with data sets of files"):
        made.opened("synthetic", tmp_path)


def test_depth_is_that_of_the_scene_by_a_sensor() -> None:
    place = Place(None, ("mover_stops",), depth=DepthChoice(None, 0.02))
    (sequence,) = open_dataset("synthetic", place).sequences
    first = next(iter(sequence.frames)).frame
    assert isinstance(sequence.frames, RenderedFrames)
    exact = Renderer(sequence.frames.scene).render(0).depth_m
    assert first.depth_m is not None
    known = ~np.isnan(first.depth_m)
    assert known.mean() > 0.3
    assert (first.depth_m[known] <= STEREO.range_m[1]).all()
    error = np.abs(1 / first.depth_m - 1 / exact)[known]
    assert 0.5 * STEREO.noise_per_m < np.median(error) < STEREO.noise_per_m
    (without,) = made.opened("synthetic", None, "mover_stops").sequences
    assert next(iter(without.frames)).frame.depth_m is None
