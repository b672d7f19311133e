"""Mask samples: what the pipeline knew, beside the truth; in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mask_scenes import random_mask_samples

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.masks import samples as samples_module
from motion_seg_ros.lab.training.masks.samples import (
    FULL,
    LATE,
    MaskSample,
    drawn_gap,
    early_frame,
    mask_samples,
    read_mask_samples,
    steps_of,
    write_mask_samples,
)
from motion_seg_ros.lab.training.simulation.rendered import LabelledFrame
from motion_seg_ros.masks.fusion.channels import BELIEF, MASK_CHANNELS, NAMES
from motion_seg_ros.types import FloatArray, Frame

SCENE = 5  # with a mover that is found, every frame shown


@pytest.fixture(scope="module")
def samples() -> list[MaskSample]:
    return mask_samples(SCENE, frames=12, kept=3)


def test_samples_are_as_documented(samples: list[MaskSample]) -> None:
    assert len(samples) == 1 + 3
    for each in samples:
        _, *size = each.channels.shape
        assert each.channels.shape[0] == MASK_CHANNELS
        assert each.channels.dtype == np.float16
        assert np.isfinite(each.channels).all()
        assert each.moving.shape == each.labelled.shape == tuple(size)
        assert (each.labelled == FULL).mean() > 0.5


def test_the_belief_has_to_do_with_the_truth(samples: list[MaskSample]) -> None:
    """Were the frames mixed up, or the truth of another size, it would not."""
    sample = samples[-1]
    moving = sample.moving > FULL / 2
    assert moving.sum() > 20
    belief = sample.channels[BELIEF].astype(float)
    assert belief[moving].mean() > belief[~moving].mean() + 1


def test_the_same_scene_gives_the_same_bits(samples: list[MaskSample]) -> None:
    for one, other in zip(samples, mask_samples(SCENE, frames=12, kept=3), strict=True):
        np.testing.assert_array_equal(one.channels, other.channels)
        np.testing.assert_array_equal(one.moving, other.moving)


def test_flow_goes_over_the_longest_gap_that_is_given() -> None:
    """The misfit depends on it, the residuals of the last frame hardly do."""
    misfit, x = NAMES.index("log_disagreement"), NAMES.index("x")
    _, *short = mask_samples(SCENE, gap=1, frames=12)
    _, *long = mask_samples(SCENE, gap=4, frames=12)
    for one, other in zip(short, long, strict=True):
        assert np.abs(one.channels[misfit] - other.channels[misfit]).mean() > 0.2
        assert np.abs(one.channels[x] - other.channels[x]).mean() < 0.1


def test_half_of_the_gaps_are_drawn_from_all() -> None:
    gaps = [drawn_gap(scene) for scene in range(400)]
    assert 160 < gaps.count(None) < 240
    assert all(10 < gaps.count(each) < 50 for each in range(1, 9))
    assert set(gaps) == {None, *range(1, 9)}


def test_one_sample_is_of_a_streams_begin(samples: list[MaskSample]) -> None:
    """There no track has a label yet."""
    tracks = NAMES.index("tracks")
    assert [each.channels[tracks].any() for each in samples] == [False, True, True, True]
    frames = [early_frame(scene) for scene in range(300)]
    assert all(70 < frames.count(each) < 130 for each in range(1, LATE))


def test_samples_survive_their_file(tmp_path: Path) -> None:
    written = random_mask_samples()
    write_mask_samples(tmp_path / "scene.npy", written)
    for one, other in zip(written, read_mask_samples(tmp_path / "scene.npy"), strict=True):
        np.testing.assert_array_equal(one.channels, other.channels)
        np.testing.assert_array_equal(one.moving, other.moving)
        np.testing.assert_array_equal(one.labelled, other.labelled)
    assert [each.name for each in tmp_path.iterdir()] == ["scene.npy"]


def test_what_is_no_file_of_samples_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scene.npy"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="expected a file of mask samples"):
        read_mask_samples(path)


def test_some_scenes_show_every_frame_and_some_do_not() -> None:
    ways = [steps_of(scene) for scene in range(400)]
    assert steps_of(SCENE) == "every frame"
    assert 120 < ways.count("every frame") < 200
    assert all(50 < ways.count(each) < 110 for each in ("every 2nd", "every 3rd", "uneven"))


def test_the_pipeline_sees_only_the_frames_that_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    size = (60, 80)
    nothing = np.zeros(size, bool)
    clip = [
        LabelledFrame(
            np.full((*size, 3), index, np.uint8),
            np.zeros(size, np.uint16),
            nothing,
            ~nothing,
            np.ones(size, np.float32),
            np.eye(3),
        )
        for index in range(12)
    ]
    seen: list[list[int]] = []

    def channels_of(frames: list[Frame], *others: object) -> dict[int, FloatArray]:
        seen.append([int(each.image_bgr[0, 0, 0]) for each in frames])
        return {
            index: np.zeros((MASK_CHANNELS, 30, 40), np.float32) for index in range(len(frames))
        }

    def rendered(seed: int, *, shown: list[int], **options: object) -> list[LabelledFrame]:
        return [clip[index] for index in shown]

    monkeypatch.setattr(samples_module, "rendered_clip", rendered)
    monkeypatch.setattr(samples_module, "_channels_of_clip", channels_of)
    by_steps = {steps_of(scene): scene for scene in range(40)}
    made = {way: len(mask_samples(scene, frames=12)) for way, scene in by_steps.items()}
    shown = dict(zip(by_steps, seen, strict=True))
    assert shown["every frame"] == list(range(12))
    assert shown["every 2nd"] == list(range(0, 12, 2))
    assert shown["every 3rd"] == [0, 3, 6, 9]
    assert set(np.diff(shown["uneven"])) <= {1, 2, 3}
    assert (made["every frame"], made["every 2nd"], made["every 3rd"]) == (7, 3, 1)
