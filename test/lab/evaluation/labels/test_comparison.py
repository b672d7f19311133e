"""Labellers held side by side against streams whose truth is made up."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.datasets.davis import clip_names, davis_clip
from motion_seg_ros.lab.evaluation.labels.comparison import (
    MIN_AGE_FRAMES,
    Moment,
    Stream,
    compare,
    listen,
)
from motion_seg_ros.lab.evaluation.labels.report import as_json, as_picture, as_table
from motion_seg_ros.lab.evaluation.labels.sources import follow_clip, mask_at, sample_stream
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.labelling.camera_residuals import HINT_CHANNELS
from motion_seg_ros.labelling.geometric import GeometricLabeller
from motion_seg_ros.types import FloatArray, Frame, TrackLabels, Tracks
from motion_seg_ros.window import SlidingWindow, Window

SIZE = (60, 80)


class Told:
    """Says what it was given beforehand by track id, and keeps what it was asked."""

    def __init__(self, probability: list[float] | None = None, threshold: float = 0.5) -> None:
        self._probability = probability
        self._threshold = threshold
        self.lengths: list[int] = []
        self.ids: list[list[int]] = []
        self.features: list[FloatArray | None] = []
        self.resets = 0

    def label(
        self, window: Window, tracks: Tracks, depth: FloatArray | None, features: FloatArray | None
    ) -> TrackLabels:
        self.lengths.append(len(window))
        self.ids.append(tracks.ids.tolist())
        self.features.append(features)
        if self._probability is None:
            return TrackLabels.abstain(len(tracks), "nothing to say")
        probability = np.array(self._probability, np.float32)[tracks.ids]
        return TrackLabels(probability, threshold=self._threshold)

    def reset(self) -> None:
        self.resets += 1


def tracks_of(born: list[int], lost: list[int], frames: int) -> Tracks:
    """Tracks that stand still, visible from frame `born` on until before `lost`."""
    index = np.arange(frames)[:, None]
    visible = (index >= np.array(born)) & (index < np.array(lost))
    count = len(born)
    xy = np.stack([np.arange(count), np.arange(count)], axis=1).astype(np.float32)
    return Tracks(
        ids=np.arange(count),
        xy_px=np.tile(xy, (frames, 1, 1)),
        visible=visible,
        confidence=visible.astype(np.float32),
        query_frame=np.array(born),
    )


def moment(tracks: Tracks, moving: list[bool] | None, known: list[bool] | None = None) -> Moment:
    image = np.zeros((*SIZE, 3), np.uint8)
    frames = tuple(Frame(image, index) for index in range(len(tracks.visible)))
    return Moment(
        Window(frames, 0),
        tracks,
        moving=None if moving is None else np.array(moving),
        known=None if known is None else np.array(known),
    )


class TestListen:
    def test_judges_tracks_that_are_visible_old_enough_and_known(self) -> None:
        frames = MIN_AGE_FRAMES + 2
        tracks = tracks_of([0, 1, 2, 0, 0], [99, 99, 99, frames - 1, 99], frames)
        asked = moment(tracks, [True, False, True, True, True], [True, True, True, True, False])
        found = listen(Stream("clip", (), [asked]), {"a": Told([0.9, 0.8, 0.7, 0.6, 0.5])})
        assert found.moving.tolist() == [True, False]
        assert found.probability["a"].tolist() == pytest.approx([0.9, 0.8])

    def test_a_labeller_that_says_nothing_says_static(self) -> None:
        asked = moment(tracks_of([0, 0], [9, 9], 4), [True, False])
        labellers = {"mute": Told(), "half": Told([math.nan, 0.3])}
        found = listen(Stream("clip", (), [asked]), labellers)
        assert found.probability["mute"].tolist() == [0, 0]
        assert found.said["mute"].tolist() == [False, False]
        assert found.probability["half"].tolist() == pytest.approx([0, 0.3])
        assert found.said["half"].tolist() == [False, True]

    def test_labellers_see_frames_without_truth_too(self) -> None:
        tracks = tracks_of([0], [9], 4)
        stream = Stream("clip", (), [moment(tracks, None), moment(tracks, [True])])
        labeller = Told([0.9])
        found = listen(stream, {"a": labeller})
        assert len(labeller.lengths) == 2
        assert labeller.resets == 1
        assert len(found.moving) == found.frames == 1

    def test_nothing_to_judge(self) -> None:
        found = listen(Stream("clip", (), []), {"a": Told([])})
        assert found.moving.dtype == np.bool_
        assert len(found.probability["a"]) == found.frames == 0


def two_streams() -> Iterator[Stream]:
    tracks = tracks_of([0] * 4, [9] * 4, 4)
    yield Stream("one", ("pan", "slow"), [moment(tracks, [True, True, False, False])])
    yield Stream("two", ("pan",), [moment(tracks, [False, False, False, False])])


class TestCompare:
    def test_groups_by_name_and_tag(self) -> None:
        # In `one` hits: 0, misses: 1, alarms: 2; in `two` alarms: 0 and 2.
        labellers = {"a": Told([0.9, 0.2, 0.8, 0.1]), "b": Told()}
        found = compare(two_streams(), labellers)
        assert list(found.by_name) == ["one", "two"]
        assert list(found.by_tag) == ["pan", "slow"]
        assert found.overall["a"].shipped.precision == pytest.approx(1 / 4)
        assert found.overall["a"].shipped.recall == pytest.approx(1 / 2)
        assert found.by_tag["pan"]["a"] == found.overall["a"]
        assert found.by_tag["slow"]["a"] == found.by_name["one"]["a"]
        assert found.by_name["two"]["a"].shipped.false_alarm_share == pytest.approx(1 / 2)
        assert found.by_name["two"]["b"].shipped.false_alarm_share == 0
        assert found.overall["b"].said_share == 0
        assert found.pooled.frames == 2

    def test_hindsight_is_one_threshold_for_all_groups(self) -> None:
        found = compare(two_streams(), {"a": Told([0.4, 0.3, 0.2, 0.1])})
        assert found.best_thresholds["a"] == pytest.approx(0.25)
        assert found.overall["a"].shipped.recall == 0
        assert found.overall["a"].best.recall == 1
        assert found.by_name["two"]["a"].best.false_alarm_share == pytest.approx(1 / 2)

    def test_each_is_judged_at_the_threshold_it_comes_with(self) -> None:
        labellers = {
            "a": Told([0.4, 0.3, 0.2, 0.1], threshold=0.15),
            "b": Told([0.4, 0.3, 0.2, 0.1], threshold=0.35),
            "mute": Told(),
        }
        found = compare(two_streams(), labellers)
        assert found.thresholds == {"a": 0.15, "b": 0.35, "mute": 0.5}
        assert found.by_name["one"]["a"].shipped.precision == pytest.approx(2 / 3)
        assert found.by_name["one"]["b"].shipped.recall == pytest.approx(1 / 2)
        found = compare(two_streams(), labellers, {"a": 0.25})
        assert found.thresholds == {"a": 0.25, "b": 0.35, "mute": 0.5}
        assert found.by_name["one"]["a"].shipped.f1 == 1

    def test_report(self) -> None:
        labellers = {"good": Told([0.9, 0.8, 0.2, 0.1]), "mute": Told()}
        found = compare(two_streams(), labellers)
        table = as_table(found)
        rows = {line.split()[0]: line for line in table.splitlines() if line.strip()}
        assert {"all", "one", "two", "#pan", "#slow", "mute"} <= rows.keys()
        assert rows["one"].split()[1:7] == ["4", "50.0%", "good", "1.000", "1.000", "1.000"]
        assert rows["two"].split()[3:9] == ["good", "-", "-", "-", "-", "-"]  # no mover there
        assert " nan" not in table
        tree = json.loads(json.dumps(as_json(found), allow_nan=False))
        assert tree["by_name"]["one"]["good"]["shipped_threshold"]["f1"] == 1
        assert tree["by_name"]["two"]["good"]["shipped_threshold"]["recall"] is None
        assert tree["mean_f1_of_names"]["good"]["shipped_threshold"] == 1  # `two` has no mover
        assert tree["thresholds"]["mute"] == {"shipped": 0.5, "best_in_hindsight": 1.0}

    def test_picture_shows_a_line_per_labeller(self) -> None:
        labellers = {"good": Told([0.9, 0.8, 0.2, 0.1]), "poor": Told([0.1, 0.2, 0.8, 0.9])}
        one = as_picture(compare(two_streams(), {"good": labellers["good"]}), "here")
        both = as_picture(compare(two_streams(), labellers), "here")
        assert one.shape == both.shape
        assert one.dtype == np.uint8
        assert (one != both).any()

    def test_picture_without_movers(self) -> None:
        stream = Stream("still", (), [moment(tracks_of([0], [9], 4), [False])])
        assert as_picture(compare([stream], {"a": Told([0.4])}), "still").any()


def write_clip(root: Path, name: str, count: int = 5, size: tuple[int, int] = SIZE) -> None:
    images, masks = root / "JPEGImages/480p" / name, root / "Annotations/480p" / name
    images.mkdir(parents=True)
    masks.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(count):
        cv2.imwrite(str(images / f"{index:05d}.jpg"), rng.integers(0, 255, (*size, 3), np.uint8))
        mask = np.zeros(size, np.uint8)
        mask[:, :40] = 255
        cv2.imwrite(str(masks / f"{index:05d}.png"), mask)


class GridTracker:
    """Two points that stand still, one in each half."""

    def update(self, window: Window) -> Tracks:
        tracks = tracks_of([0, 0], [99, 99], len(window))
        tracks.xy_px[:] = [[10, 30], [70, 30]]
        return tracks

    def reset(self) -> None:
        pass


class TestClips:
    def test_truth_is_the_mask_under_the_newest_position(self, tmp_path: Path) -> None:
        write_clip(tmp_path, "walk")
        (tmp_path / "Annotations/480p/walk/00001.png").unlink()
        assert clip_names(tmp_path) == ["walk"]
        clip = davis_clip(tmp_path, "walk")
        moments = list(follow_clip(clip, SlidingWindow(16, 1.0), GridTracker()))
        assert [len(each.window) for each in moments] == [1, 2, 3, 4, 5]
        assert moments[1].moving is None
        for each in (moments[0], *moments[2:]):
            assert each.moving is not None
            assert each.moving.tolist() == [True, False]

    def test_positions_go_to_the_nearest_pixel(self) -> None:
        mask = np.zeros((4, 6), bool)
        mask[1, 2] = mask[3, 5] = True
        xy = np.array([[2.4, 1.4], [1.6, 0.6], [2.6, 1], [5.4, 3.4], [-1, -1]], np.float32)
        assert mask_at(mask, xy).tolist() == [True, True, False, True, False]

    @pytest.mark.parametrize("what", ["no masks", "other names", "no clips"])
    def test_wrong_layout(self, tmp_path: Path, what: str) -> None:
        write_clip(tmp_path, "walk")
        masks = tmp_path / "Annotations/480p/walk"
        if what == "no masks":
            masks.rename(tmp_path / "Annotations/480p/other")
        elif what == "other names":
            for each in masks.iterdir():
                each.rename(each.with_name(f"x{each.name}"))
        else:
            with pytest.raises(InputError, match="expected JPEGImages/480p in it, found none"):
                clip_names(tmp_path / "Annotations")
            return
        with pytest.raises(InputError, match="expected"):
            davis_clip(tmp_path, "walk")

    @pytest.mark.parametrize("content", [b"no picture", b"", "other size"])
    def test_broken_masks(self, tmp_path: Path, content: bytes | str) -> None:
        write_clip(tmp_path, "walk")
        path = tmp_path / "Annotations/480p/walk/00002.png"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            cv2.imwrite(str(path), np.zeros((9, 9), np.uint8))
        with pytest.raises(InputError, match=r"00002\.png: expected"):
            davis_clip(tmp_path, "walk").truth("00002")


def moving_sample(frames: int = 12) -> TrackSample:
    """A still camera; 25 of 300 tracks move 2 px per frame; some are seeded late."""
    rng = np.random.default_rng(2)
    start = rng.uniform([5, 5], [395, 235], (300, 2))
    moving = np.arange(300) < 25
    index = np.arange(frames)[:, None]
    step = np.where(moving[:, None], [2.0, 0.5], 0.0)
    xy = start + index[..., None] * step + rng.normal(0, 0.05, (frames, 300, 2))
    visible = index >= np.where(np.arange(300) % 5 == 4, 4, 0)
    return TrackSample(
        xy_px=xy.astype(np.float32),
        visible=visible,
        confidence=visible.astype(np.float32) * np.float32(0.5),
        size=(240, 427),
        moving=moving,
        labelled=np.arange(300) != 0,
        hints=np.zeros((300, HINT_CHANNELS), np.float32),
        features=np.arange(300, dtype=np.float32)[:, None],
        tags=("still",),
    )


class TestSamples:
    def test_played_back_as_the_tracks_grew(self) -> None:
        sample = moving_sample()
        labeller = Told([0.5] * 300)
        found = listen(sample_stream("set", sample), {"a": labeller})
        assert labeller.lengths == list(range(1, 13))
        assert [len(ids) for ids in labeller.ids] == [240] * 4 + [300] * 8
        features = labeller.features[0]
        assert features is not None
        assert features[:, 0].tolist() == labeller.ids[0]
        assert found.frames == 1
        assert len(found.moving) == 299  # one has no known truth
        assert np.count_nonzero(found.moving) == 24

    def test_the_geometric_labeller_finds_the_movers(self) -> None:
        stream = sample_stream("set", moving_sample())
        found = compare([stream], {"geometric": GeometricLabeller()})
        assert found.overall["geometric"].shipped.f1 > 0.9
        assert found.overall["geometric"].said_share == 1
        assert list(found.by_tag) == ["still"]
