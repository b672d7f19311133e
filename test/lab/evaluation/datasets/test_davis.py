"""DAVIS in the published layout."""

from __future__ import annotations

import logging
from pathlib import Path

import annotated_folders as made
import cv2
import numpy as np
import pytest
from checkout import ROOT

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.datasets.davis import LISTS, clip_names, davis_clip

DAVIS_DEV = ROOT / "../shared/data/davis_dev"


def test_2016(tmp_path: Path) -> None:
    made.davis(tmp_path, "goat")
    data = made.opened("davis2016", tmp_path)
    (sequence,) = data.sequences
    made.check_frames(sequence, 6)
    assert sequence.name == "goat"
    assert sequence.scored == ("00001", "00002", "00003", "00004")
    truth = sequence.truth("00002")
    np.testing.assert_array_equal(truth.id_map, made.square_ids(2, 1, 1))
    assert truth.ignored is None
    assert not data.separate


@pytest.mark.parametrize("annotations", ["Annotations", "Annotations_unsupervised"])
def test_2017(tmp_path: Path, annotations: str) -> None:
    made.davis(tmp_path, "goat", annotations=annotations, several=True)
    data = made.opened("davis2017", tmp_path)
    (sequence,) = data.sequences
    assert len(sequence.scored) == 6
    truth = sequence.truth("00000")
    np.testing.assert_array_equal(truth.id_map, made.square_ids(0, 1, 2))
    assert truth.ignored is not None
    assert truth.ignored.sum() == 9
    assert data.separate


def test_unsupervised_annotations_come_first(tmp_path: Path) -> None:
    made.davis(tmp_path, "goat")
    made.davis(tmp_path, "goat", annotations="Annotations_unsupervised", several=True)
    (sequence,) = made.opened("davis17_moving", tmp_path).sequences
    assert sequence.truth("00000").id_map.max() == 2


def test_2016_taken_for_2017(tmp_path: Path) -> None:
    made.davis(tmp_path, "goat")
    with pytest.raises(InputError, match="found 255 alone; choose --dataset davis2016"):
        made.opened("davis2017", tmp_path)


def test_lists() -> None:
    counts = {name: len(names) for name, names in LISTS.items()}
    assert counts == {
        "davis2016": 20,
        "davis16_moving": 16,
        "davis2017": 30,
        "davis17_moving": 22,
    }
    assert all(len(set(names)) == len(names) for names in LISTS.values())
    assert set(LISTS["davis16_moving"]) < set(LISTS["davis2016"]) < set(LISTS["davis2017"])
    assert set(LISTS["davis17_moving"]) < set(LISTS["davis2017"])


def test_the_list_chooses(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("goat", "camel", "bear"):
        made.davis(tmp_path, name, frames=3)
    with caplog.at_level(logging.WARNING):
        names = {
            each: [sequence.name for sequence in made.opened(each, tmp_path).sequences]
            for each in ("davis2016", "davis16_moving")
        }
    assert names == {"davis2016": ["camel", "goat"], "davis16_moving": ["goat"]}
    assert "2 of the 20 sequences of davis2016 are there" in caplog.text
    assert [each.name for each in made.opened("davis2016", tmp_path, "bear").sequences] == ["bear"]


def test_other_sequences_where_none_of_the_list_is_there(tmp_path: Path) -> None:
    made.davis(tmp_path, "mine", frames=3)
    assert [each.name for each in made.opened("davis2016", tmp_path).sequences] == ["mine"]


def test_too_short_to_score(tmp_path: Path) -> None:
    made.davis(tmp_path, "goat", frames=2)
    with pytest.raises(InputError, match="expected frames to score, found 2 images"):
        made.opened("davis2016", tmp_path)


@pytest.mark.parametrize(
    "part", ["JPEGImages", "JPEGImages/480p", "JPEGImages/480p/goat/00000.jpg", ".."]
)
def test_the_root_is_found_nearby(tmp_path: Path, part: str) -> None:
    made.davis(tmp_path / "DAVIS", "goat", frames=3)
    place = (tmp_path / "DAVIS").resolve()
    with pytest.raises(InputError) as error:
        made.opened("davis2016", tmp_path / "DAVIS" / part)
    assert str(error.value).endswith(
        f"expected JPEGImages/480p in it, found none; did you mean {place}?"
    )


def test_another_resolution(tmp_path: Path) -> None:
    made.davis(tmp_path, "goat", frames=3)
    for each in ("JPEGImages", "Annotations"):
        (tmp_path / each / "480p").rename(tmp_path / each / "Full-Resolution")
    with pytest.raises(InputError, match=r"JPEGImages/Full-Resolution: get .* of 480p"):
        made.opened("davis2016", tmp_path)


def test_the_nearest_name_is_suggested(tmp_path: Path) -> None:
    for name in ("goat", "camel"):
        made.davis(tmp_path, name, frames=3)
    with pytest.raises(InputError, match=r"--sequences goats: .*; did you mean goat\?"):
        made.opened("davis2016", tmp_path, "goats")
    with pytest.raises(InputError, match=r"--sequences x: .*; there are camel, goat"):
        made.opened("davis2016", tmp_path, "x")


@pytest.mark.parametrize("place", ["caf\udce9/00000", "goat/caf\udce9"])
def test_names_that_are_no_text(tmp_path: Path, place: str) -> None:
    try:
        made.save(tmp_path / f"JPEGImages/480p/{place}.jpg", made.picture(0, 1))
    except OSError:
        pytest.skip("this file system takes no such names")
    made.save(tmp_path / f"Annotations/480p/{place}.png", made.square_ids(0, 1))
    with pytest.raises(InputError, match=r"expected names in UTF-8, found caf\\udce9"):
        made.opened("davis2016", tmp_path)


def write_clip(root: Path, name: str, count: int = 5, size: tuple[int, int] = (60, 80)) -> None:
    images, masks = root / "JPEGImages/480p" / name, root / "Annotations/480p" / name
    images.mkdir(parents=True)
    masks.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(count):
        cv2.imwrite(str(images / f"{index:05d}.jpg"), rng.integers(0, 255, (*size, 3), np.uint8))
        mask = np.zeros(size, np.uint8)
        mask[:, :40] = 255
        cv2.imwrite(str(masks / f"{index:05d}.png"), mask)


def test_real_clips() -> None:
    if not DAVIS_DEV.is_dir():
        pytest.skip("no clips of DAVIS beside this repository")
    data = made.opened("davis2016", DAVIS_DEV)
    assert [len(each.scored) for each in data.sequences] == [
        (each.frames.length or 0) - 2 for each in data.sequences
    ]
    made.check_frames(data.sequences[4], 40)
    moving = [each.name for each in made.opened("davis16_moving", DAVIS_DEV).sequences]
    assert set(moving) == {each.name for each in data.sequences} - {
        "breakdance",
        "camel",
        "scooter-black",
    }


class TestClipsWithoutAllMasks:
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
