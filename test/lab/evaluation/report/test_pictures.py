"""The frames that are shown are those that are worth it, and show what is true and said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import pytest

from motion_seg_ros.errors import OutputError
from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.evaluation.report import pictures
from motion_seg_ros.lab.evaluation.report.pictures import (
    choose_frames,
    draw_verdict,
    picture_folder,
    write_pictures,
)
from motion_seg_ros.lab.evaluation.results import PerFrame
from motion_seg_ros.types import Frame, UInt16Array

SIZE = (60, 80)
GRAY = 128


def per_frame(region: list[float], moving: list[bool] | None = None) -> PerFrame:
    count = len(region)
    shares = [float(each) for each in moving or [True] * count]
    names = tuple(f"f{index}" for index in range(count))
    return PerFrame(names, tuple(region), (0.5,) * count, (0.1,) * count, tuple(shares))


def test_worst_and_best_are_those_of_lowest_and_highest_region() -> None:
    moments = choose_frames(per_frame([0.5, 0.2, 0.9, 0.4]))
    assert (moments.worst, moments.best) == ("f1", "f2")


def test_the_best_frame_shows_a_mover() -> None:
    moments = choose_frames(per_frame([1.0, 0.3, 0.8], [False, True, True]))
    assert moments.best == "f2"
    assert choose_frames(per_frame([1.0, 0.0], [False, False])).best == "f0"


def test_the_outline_decides_between_frames_of_equal_region() -> None:
    frames = per_frame([0.5, 0.5, 0.5])
    frames = PerFrame(frames.name, frames.J, (0.5, 0.1, 0.9), (0.1,) * 3, (0.1,) * 3)
    assert choose_frames(frames).worst == "f1"
    assert choose_frames(frames).best == "f2"


def test_the_strip_is_spread_over_the_worst_stretch() -> None:
    region = [0.9] * 80
    region[30 : 30 + pictures.STRETCH_FRAMES] = [0.1] * pictures.STRETCH_FRAMES
    region[5] = 0.0  # a single bad frame is no stretch
    failure = choose_frames(per_frame(region)).failure
    assert len(failure) == pictures.STRETCH_TILES
    assert failure[0] == "f30"
    assert failure[-1] == f"f{30 + pictures.STRETCH_FRAMES - 1}"


def test_the_stretch_of_a_short_sequence_is_short() -> None:
    region = [0.9] * 20
    region[9:15] = [0.1] * 6
    assert choose_frames(per_frame(region)).failure == tuple(f"f{index}" for index in range(9, 15))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_the_strip_of_few_frames_is_all_of_them(count: int) -> None:
    failure = choose_frames(per_frame([0.5] * count)).failure
    assert failure == tuple(f"f{index}" for index in range(count))


def test_of_a_sequence_without_a_fault_one_frame_is_shown(tmp_path: Path) -> None:
    frames = scores_of(("f1", "f2", "f3"), (1.0, 1.0, 1.0))
    assert choose_frames(frames).failure == ()
    written = write_pictures(tmp_path, Sequence(), lambda name: masks()[1], frames)
    assert list(written) == ["best f1"]


def masks() -> tuple[UInt16Array, UInt16Array]:
    """Truth and prediction that share their middle: a wide frame, so that nothing is cut off."""
    truth, said = np.zeros(SIZE, np.uint16), np.zeros(SIZE, np.uint16)
    truth[10:50, 10:50] = 1
    said[10:50, 30:70] = 4
    return truth, said


def tinted(colour: tuple[int, int, int]) -> np.ndarray:
    opacity = pictures.FILL_OPACITY
    return np.array([GRAY * (1 - opacity) + each * opacity for each in colour])


def test_what_was_found_missed_and_falsely_said_has_its_colour() -> None:
    truth, said = masks()
    image = np.full((*SIZE, 3), GRAY, np.uint8)
    picture = draw_verdict(image, TruthMask(truth), said, 80)
    assert picture.shape == (*SIZE, 3)
    for place, colour in (
        ((30, 20), pictures.MISSED_BGR),
        ((30, 40), pictures.FOUND_BGR),
        ((30, 60), pictures.FALSE_ALARM_BGR),
    ):
        np.testing.assert_allclose(picture[place], tinted(colour), atol=1)
    assert (picture[5, 5] == GRAY).all()
    assert (picture[30, 9] == 255).all(), "the outline is around the truth"
    assert (picture[30, 8] == 0).all()


def test_ignored_pixels_are_not_tinted() -> None:
    truth, said = masks()
    ignored = np.zeros(SIZE, bool)
    ignored[:, 55:] = True
    image = np.full((*SIZE, 3), GRAY, np.uint8)
    picture = draw_verdict(image, TruthMask(truth, ignored), said, 80)
    assert (picture[30, 60] == GRAY).all()


def test_a_large_frame_is_scaled_and_keeps_its_proportions() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    nothing = np.zeros((480, 640), np.uint16)
    assert draw_verdict(image, TruthMask(nothing), nothing, 160).shape == (120, 160, 3)


def test_a_small_mover_is_seen_closer() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    truth = np.zeros((480, 640), np.uint16)
    truth[470:480, 630:640] = 1  # in the corner: the view stays inside the image
    picture = draw_verdict(image, TruthMask(truth), truth, 160)
    assert picture.shape == (120, 160, 3)
    found = (picture == np.floor(np.array(pictures.FOUND_BGR) * pictures.FILL_OPACITY)).all(axis=2)
    assert np.count_nonzero(found) == pytest.approx(5 * 5, abs=6)  # half the image on 160 columns
    assert found[-1, -1]


class Sequence:
    """Five frames of growing brightness; in all of them the same square moves."""

    name = "clip"
    scored = ("f1", "f2", "f3")

    def __init__(self) -> None:
        self.decoded: list[str] = []
        self.frames = self

    path = Path("clip")
    length = 5
    fps = 10.0
    bad_frames: Mapping[str, str] = MappingProxyType({})

    def __iter__(self) -> Iterator[SourceFrame]:
        for index in range(5):
            self.decoded.append(f"f{index}")
            image = np.full((*SIZE, 3), 40 * index, np.uint8)
            yield SourceFrame(f"f{index}", Frame(image, index), "", index)

    def truth(self, name: str) -> TruthMask:
        assert name in self.scored
        return TruthMask(masks()[0])


def scores_of(names: tuple[str, ...], region: tuple[float, ...]) -> PerFrame:
    count = len(names)
    return PerFrame(names, region, region, (0.1,) * count, (0.1,) * count)


def test_pictures_are_files_of_the_chosen_frames(tmp_path: Path) -> None:
    clip = Sequence()
    frames = scores_of(("f1", "f2", "f3"), (0.5, 0.9, 0.1))
    written = write_pictures(tmp_path, clip, lambda name: masks()[1], frames)
    assert list(written) == [
        *("worst f3", "best f2", "failure f1", "failure f2", "failure f3"),
        *("lowest f3", "lowest f1", "lowest f2"),
    ]
    brightness = {}
    for key, path in written.items():
        assert path.startswith("pictures/clip/")
        picture = cv2.imread(str(tmp_path / path))
        brightness[key] = int(picture[55, 75].mean())
    expected = {"worst f3": 120, "best f2": 80, "failure f1": 40, "failure f2": 80}
    expected |= {"lowest f3": 120, "lowest f1": 40, "lowest f2": 80}
    for key, value in expected.items():
        assert brightness[key] == pytest.approx(value, abs=3)
    assert clip.decoded[-1] == "f3", "what comes after the last chosen frame is not read"


def test_where_nothing_is_scored_nothing_is_written(tmp_path: Path) -> None:
    assert write_pictures(tmp_path, Sequence(), lambda name: masks()[1], scores_of((), ())) == {}
    assert list(tmp_path.iterdir()) == []


def test_older_pictures_go(tmp_path: Path) -> None:
    other = tmp_path / "pictures/clip/worst_of_all.jpg"
    for region in ((0.5, 0.9, 0.1), (1.0, 1.0, 1.0)):
        with picture_folder(tmp_path, "clip"):
            other.touch()
            frames = scores_of(("f1", "f2", "f3"), region)
            written = write_pictures(tmp_path, Sequence(), lambda name: masks()[1], frames)
    there = {each.relative_to(tmp_path).as_posix() for each in other.parent.iterdir()}
    assert there == {*written.values(), other.relative_to(tmp_path).as_posix()}


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    frames = scores_of(("f1", "f2"), (0.5, 0.9))

    def interrupted() -> None:
        with picture_folder(tmp_path, "clip"):
            assert write_pictures(tmp_path, Sequence(), lambda name: masks()[1], frames)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("in the way")
    with pytest.raises(OutputError, match="cannot write the picture"):
        write_pictures(tmp_path, Sequence(), lambda name: masks()[1], scores_of(("f1",), (0.5,)))
