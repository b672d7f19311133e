"""The folder for COLMAP: which file is whose mask, and that COLMAP obeys it."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import cv2
import mapping
import numpy as np
import pytest
import recordings
from PIL import Image

from motion_seg_ros.camera import Camera
from motion_seg_ros.io.base import FrameSource
from motion_seg_ros.io.colmap_export import (
    ColmapFolder,
    colmap_commands,
    colmap_hint,
    pycolmap_program,
)
from motion_seg_ros.io.image_folder import ImageFolder
from motion_seg_ros.io.sources import open_source
from motion_seg_ros.types import UInt8Array, UInt16Array

SIZE = (160, 120)
GROWTH_PX = 3


def ids_of(size: tuple[int, int] = SIZE) -> UInt16Array:
    """Object 7 in a part of the picture."""
    ids = np.zeros(size[::-1], np.uint16)
    ids[30:90, 40:110] = 7
    return ids


def export(path: Path, source: FrameSource) -> Path:
    folder = ColmapFolder(path, source, dilation_px=GROWTH_PX)
    for item in source:
        height, width = item.frame.size
        folder.write(item, ids_of((width, height)))
    return path


def pixels(path: Path) -> UInt8Array:
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return np.asarray(found, np.uint8)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_every_image_has_a_mask_of_its_whole_name_in_which_what_moves_is_black(
    tmp_path: Path,
) -> None:
    files = recordings.write_images(tmp_path / "in", recordings.pan(2, SIZE), "a{}.jpg")
    folder = export(tmp_path / "out", open_source(tmp_path / "in"))
    assert names(folder / "images") == ["a0.jpg", "a1.jpg"]
    assert names(folder / "masks") == ["a0.jpg.png", "a1.jpg.png"]
    assert (folder / "images" / "a0.jpg").read_bytes() == files[0].read_bytes()
    mask = pixels(folder / "masks" / "a0.jpg.png")
    assert mask.shape == SIZE[::-1]
    assert set(np.unique(mask)) == {0, 255}
    # Black is the object grown by GROWTH_PX, by the distance between pixels.
    distance = cv2.distanceTransform(np.uint8(ids_of() == 0), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    assert (mask[distance <= GROWTH_PX - 1] == 0).all()
    assert (mask[distance > GROWTH_PX + 1] == 255).all()


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_the_clip_can_be_played_backwards_and_masked_also_there(
    tmp_path: Path, suffix: str
) -> None:
    recordings.write_images(tmp_path / "in", recordings.pan(3, SIZE), f"a{{}}.{suffix}")
    source = ImageFolder(tmp_path / "in", 10.0)
    folder = ColmapFolder(tmp_path / "out", source, dilation_px=0)
    there = list(source)
    for item in there:
        folder.write(item, ids_of())
    back = list(folder.backwards())
    assert [each.name for each in back] == ["a2", "a1", "a0"]
    assert [each.frame.stamp_ns for each in back] == [0, 100_000_000, 200_000_000]
    for one, other in zip(there, reversed(back), strict=True):
        assert np.array_equal(one.frame.image_bgr, other.frame.image_bgr)
    more = np.zeros(SIZE[::-1], np.uint16)
    more[5:20, 5:20] = 3
    folder.mask_also("a1", more)
    masks = {
        name: pixels(tmp_path / "out" / "masks" / name) for name in names(tmp_path / "out/masks")
    }
    black = {name.split(".")[0]: mask == 0 for name, mask in masks.items()}
    assert np.array_equal(black["a0"], ids_of() > 0)
    assert np.array_equal(black["a1"], (ids_of() > 0) | (more > 0))
    assert np.array_equal(black["a2"], ids_of() > 0)


def test_the_camera_of_all_images_is_said(tmp_path: Path) -> None:
    recordings.write_images(tmp_path / "in", recordings.pan(2, SIZE))
    matrix = np.array([[100.0, 0, 79.5], [0, 100, 59.5], [0, 0, 1]])
    camera, other = (
        Camera(SIZE[::-1], matrix, "plumb_bob", (k1, 0.05, 0.001, 0.0)) for k1 in (-0.2, -0.1)
    )
    model, numbers = "OPENCV", "100.0,100.0,80.0,60.0,-0.2,0.05,0.001,0.0"
    for name, cameras in (("one", (camera, camera)), ("two", (camera, other))):
        source = ImageFolder(tmp_path / "in", 10.0)
        folder = ColmapFolder(tmp_path / name, source, dilation_px=0)
        for item, each in zip(source, cameras, strict=True):
            frame = dataclasses.replace(item.frame, camera=each)
            folder.write(dataclasses.replace(item, frame=frame), ids_of())
        said = colmap_commands(tmp_path / name)[0]
        program = pycolmap_program(tmp_path / name)
        assert (f"--ImageReader.camera_model {model} " in said) == (name == "one")
        assert (f"--ImageReader.camera_params {numbers}" in said) == (name == "one")
        assert (f"= {model!r}, {numbers!r}\n" in program) == (name == "one")


def test_frames_of_a_video_become_png(tmp_path: Path) -> None:
    images = recordings.pan(2, SIZE)
    recordings.write_video(tmp_path / "clip.mkv", images)
    source = open_source(tmp_path / "clip.mkv")
    folder = export(tmp_path / "out", source)
    frame_names = [each.name for each in source]
    assert names(folder / "images") == [f"{each}.png" for each in frame_names]
    first = pixels(folder / "images" / f"{frame_names[0]}.png")
    assert np.array_equal(first, next(iter(source)).frame.image_bgr)


def test_an_image_that_colmap_would_see_lying_is_written_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to show
    file = io.BytesIO()
    Image.fromarray(recordings.pan(1, SIZE)[0]).save(file, "JPEG", exif=exif)
    (tmp_path / "in" / "a.jpg").write_bytes(file.getvalue())
    folder = export(tmp_path / "out", open_source(tmp_path / "in"))
    assert names(folder / "images") == ["a.png"]
    assert pixels(folder / "images" / "a.png").shape[:2] == SIZE
    assert pixels(folder / "masks" / "a.png.png").shape == SIZE


def test_a_format_that_colmap_may_not_read_becomes_png(tmp_path: Path) -> None:
    recordings.write_images(tmp_path / "in", recordings.pan(1, SIZE), "a{}.webp")
    folder = export(tmp_path / "out", open_source(tmp_path / "in"))
    assert names(folder / "images") == ["a0.png"]


@pytest.mark.parametrize(
    ("pattern", "matcher"), [("a{:03d}.png", "sequential"), ("a{}.png", "exhaustive")]
)
def test_images_whose_names_are_not_in_order_are_all_matched(
    tmp_path: Path, pattern: str, matcher: str
) -> None:
    recordings.write_images(tmp_path / "out" / "images", recordings.pan(11, (16, 16)), pattern)
    assert f"colmap {matcher}_matcher" in "\n".join(colmap_commands(tmp_path / "out"))
    assert f"pycolmap.match_{matcher}(" in pycolmap_program(tmp_path / "out")


def test_the_hint_quotes_places_and_tells_of_more(tmp_path: Path) -> None:
    recordings.write_images(tmp_path / "a b" / "images", recordings.pan(1, (16, 16)))
    hint = colmap_hint([tmp_path / "a b", tmp_path / "c", tmp_path / "d"])
    assert f"--ImageReader.mask_path '{tmp_path / 'a b'}'/masks" in hint
    assert "2 more" in hint
    compile(pycolmap_program(tmp_path / "a b"), "program", "exec")


@mapping.needs_colmap
def test_colmap_keeps_no_feature_on_a_black_pixel(tmp_path: Path) -> None:
    recordings.write_images(tmp_path / "in", recordings.pan(3, SIZE))
    folder = export(tmp_path / "out", open_source(tmp_path / "in"))
    mapping.run_program(pycolmap_program(folder))
    masked = mapping.keypoints(folder / "database.db")
    for each in (folder / "masks").iterdir():  # not removed: COLMAP skips images without a mask
        cv2.imwrite(str(each), np.full(SIZE[::-1], 255, np.uint8))
    (folder / "database.db").unlink()
    mapping.run_program(pycolmap_program(folder))
    free = mapping.keypoints(folder / "database.db")
    assert set(masked) == set(free) == {"00000.png", "00001.png", "00002.png"}
    black = cv2.distanceTransform(np.uint8(ids_of() == 0), cv2.DIST_L2, 5) <= GROWTH_PX - 1
    for name in free:
        assert under(black, free[name]).sum() > 20, "there is something to leave out"
        assert under(black, masked[name]).sum() == 0
        assert len(masked[name]) > 20, "the rest stays"


def under(mask: np.ndarray, xy: list) -> np.ndarray:
    """(N,) bool: the pixel that each feature lies on."""
    x, y = np.floor(np.array(xy)).astype(int).T
    return mask[y, x]
