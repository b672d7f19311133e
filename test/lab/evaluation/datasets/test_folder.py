"""Folders with frames and masks."""

from __future__ import annotations

from pathlib import Path

import annotated_folders as made
import cv2
import numpy as np
import pytest
import recordings
from PIL import Image

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.base import DepthChoice
from motion_seg_ros.lab.evaluation.datasets.catalogue import Place, open_dataset


@pytest.mark.parametrize("names", [("images", "masks"), ("frames", "GroundTruth")])
@pytest.mark.parametrize("several", [False, True])
def test_layouts(tmp_path: Path, names: tuple[str, str], several: bool) -> None:
    within = "walk" if several else ""
    for index in range(3):
        save = (tmp_path / names[0] / within / f"{index}.png", made.picture(index, 1, 2))
        made.save(*save)
        if index != 1:
            ids = made.square_ids(index, 5, 2)
            made.save(tmp_path / names[1] / within / f"{index}.png", ids)
    (sequence,) = made.opened("folder", tmp_path).sequences
    made.check_frames(sequence, 3)
    assert sequence.name == (within or tmp_path.name)
    assert sequence.scored == ("0", "2")
    expected = made.square_ids(2, 5, 2)
    np.testing.assert_array_equal(sequence.truth("2").id_map, expected)


def test_masks_apart(tmp_path: Path) -> None:
    made.save(tmp_path / "a/0.jpg", made.picture(0, 1))
    made.save(tmp_path / "b/0.png", made.square_ids(0, 1))
    (sequence,) = made.opened("folder", tmp_path / "a", truth=tmp_path / "b").sequences
    assert (sequence.name, sequence.scored) == ("a", ("0",))


def test_the_layout_of_tum_rgbd(tmp_path: Path) -> None:
    images = [made.picture(i, 1) for i in range(3)]
    root = recordings.write_rgbd(tmp_path / "walking", images, [1.0, 2.0, 3.0])
    names = sorted(each.stem for each in (root / "rgb").iterdir())
    for index in (0, 2):
        made.save(root / "masks" / f"{names[index]}.png", made.square_ids(index, 4))
        made.save(tmp_path / "apart" / f"{names[index]}.png", made.square_ids(index, 4))
    for truth in (None, tmp_path / "apart"):
        place = Place(root, truth=truth, depth=DepthChoice(None, 0.02))
        (sequence,) = open_dataset("folder", place).sequences
        made.check_frames(sequence, 3)
        assert (sequence.name, sequence.scored) == ("walking", (names[0], names[2]))
        np.testing.assert_array_equal(sequence.truth(names[2]).id_map, made.square_ids(2, 4))
        depths = [each.frame.depth_m for each in sequence.frames]
        assert [each is not None and each[9, 9] for each in depths] == [1.0, 2.0, 3.0]


def test_no_masks(tmp_path: Path) -> None:
    made.save(tmp_path / "images/0.jpg", made.picture(0, 1))
    with pytest.raises(InputError, match="expected a folder masks or"):
        made.opened("folder", tmp_path)


def outlined(ids: np.ndarray) -> np.ndarray:
    """Ids with 255 along their edges, as DAVIS 2017 and VOC have them."""
    kernel = np.ones((3, 3), np.uint8)
    edge = cv2.dilate(ids.astype(np.uint8), kernel) != cv2.erode(ids.astype(np.uint8), kernel)
    return np.where(edge, 255, ids).astype(np.uint8)


def masked(root: Path, *masks: np.ndarray) -> Path:
    for index, mask in enumerate(masks):
        made.save(root / f"images/{index}.png", made.picture(index, 1, 2))
        made.save(root / f"masks/{index}.png", mask)
    return root


def test_void_does_not_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ids = made.square_ids(0, 1, 2)
    stored = outlined(ids)
    place = Place(masked(tmp_path, stored), void=255)
    (sequence,) = open_dataset("folder", place).sequences
    truth = sequence.truth("0")
    assert truth.ignored is not None
    np.testing.assert_array_equal(truth.ignored, stored == 255)
    np.testing.assert_array_equal(truth.id_map, np.where(stored == 255, 0, ids))
    assert not caplog.messages


def test_void_that_is_not_named_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ids = made.square_ids(0, 1, 2)
    masked(tmp_path, ids, outlined(ids), outlined(ids))
    (sequence,) = open_dataset("folder", Place(tmp_path)).sequences
    assert (sequence.truth("1").id_map == 255).any()
    (warning,) = caplog.messages
    assert "masks: found 255 beside other numbers" in warning
    assert warning.endswith("by --void 255")


def test_shades_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    smooth = cv2.GaussianBlur((made.square_ids(0, 1) > 0) * np.float32(255), (0, 0), 1.5)
    open_dataset("folder", Place(masked(tmp_path, smooth.astype(np.uint8))))
    (warning,) = caplog.messages
    assert "different numbers in a mask" in warning
    assert "shades of smooth edges" in warning


@pytest.mark.parametrize("value", [1, 255])
def test_one_mover_is_no_void(tmp_path: Path, caplog: pytest.LogCaptureFixture, value: int) -> None:
    ids = np.where(made.square_ids(0, 1) > 0, value, 0).astype(np.uint8)
    (sequence,) = open_dataset("folder", Place(masked(tmp_path, ids))).sequences
    assert sequence.truth("0").ignored is None
    assert not caplog.messages


def save_turned(path: Path, pixels: np.ndarray, orientation: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels[..., ::-1]).save(path, exif=exif)


def test_images_that_exif_turns(tmp_path: Path) -> None:
    ids = made.square_ids(0, 1)
    save_turned(tmp_path / "images/0.png", made.picture(0, 1), 6)
    made.save(tmp_path / "masks/0.png", ids)
    words = "found 0x0; the images are turned by the orientation in their EXIF; turn the masks, too"
    height, width = ids.shape
    with pytest.raises(InputError, match=words.replace("0x0", f"{width}x{height}")):
        open_dataset("folder", Place(tmp_path))
    made.save(tmp_path / "masks/0.png", np.ascontiguousarray(np.rot90(ids, -1)))
    (sequence,) = open_dataset("folder", Place(tmp_path)).sequences
    (frame,) = sequence.frames
    truth = sequence.truth("0").id_map
    assert frame.frame.image_bgr.shape[:2] == truth.shape == (width, height)
    np.testing.assert_array_equal(truth, np.rot90(ids, -1))
    np.testing.assert_array_equal(frame.frame.image_bgr, np.rot90(made.picture(0, 1), -1))


def test_a_turn_that_the_size_does_not_tell(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_turned(tmp_path / "images/0.png", made.picture(0, 1), 3)
    made.save(tmp_path / "masks/0.png", made.square_ids(0, 1))
    open_dataset("folder", Place(tmp_path))
    (warning,) = caplog.messages
    assert "found 0.png; they are turned by it, and masks must be of the turned images" in warning
