"""Folders of images as sequences."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import recordings

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.sources import open_source


def assert_frames(path: Path, images: list[np.ndarray], **options: object) -> None:
    items = list(open_source(path, **options))
    assert len(items) == len(images)
    for item, image in zip(items, images, strict=True):
        np.testing.assert_array_equal(item.frame.image_bgr, image)


def test_gives_images_in_natural_order_with_even_stamps(tmp_path: Path) -> None:
    images = recordings.pan(12)
    recordings.write_images(tmp_path, images, "frame{}.png")  # frame10 sorts after frame9
    source = open_source(tmp_path, fps=20)
    assert (source.name, source.length, source.fps) == (tmp_path.name, 12, 20)
    items = list(source)
    assert [each.name for each in items] == [f"frame{i}" for i in range(12)]
    assert [each.frame.stamp_ns for each in items] == [i * 50_000_000 for i in range(12)]
    assert_frames(tmp_path, images)


def test_leaves_other_files_out(tmp_path: Path) -> None:
    images = recordings.pan(2)
    recordings.write_images(tmp_path, images)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    assert_frames(tmp_path, images)


def test_gray_images_have_three_equal_channels(tmp_path: Path) -> None:
    gray = recordings.pan(1)[0][..., 0]
    recordings.write_images(tmp_path, [gray])
    assert_frames(tmp_path, [np.repeat(gray[..., None], 3, axis=2)])


def test_can_be_read_twice(tmp_path: Path) -> None:
    recordings.write_images(tmp_path, recordings.pan(3))
    source = open_source(tmp_path)
    assert len(list(source)) == len(list(source)) == 3


def test_names_the_image_of_another_size(tmp_path: Path) -> None:
    recordings.write_images(tmp_path, recordings.pan(2))
    cv2.imwrite(str(tmp_path / "00002.png"), np.zeros((10, 20, 3), np.uint8))
    with pytest.raises(InputError, match=r"00002\.png: expected 96x72 .* found 20x10"):
        list(open_source(tmp_path))


@pytest.mark.parametrize("kind", ["png", "jpg"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_names_the_image_that_is_cut_off(tmp_path: Path, kind: str, share: float) -> None:
    files = recordings.write_images(tmp_path, recordings.pan(3), f"{{:05d}}.{kind}")
    whole = files[1].read_bytes()
    files[1].write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=rf"00001\.{kind}: expected an image, found \w+"):
        list(open_source(tmp_path))


def test_names_the_image_that_does_not_decode(tmp_path: Path) -> None:
    files = recordings.write_images(tmp_path, recordings.pan(3))
    files[1].write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"00001\.png: .* found no image that decodes"):
        list(open_source(tmp_path))


def test_names_the_image_that_went_away(tmp_path: Path) -> None:
    files = recordings.write_images(tmp_path, recordings.pan(3))
    source = open_source(tmp_path)
    files[1].unlink()
    with pytest.raises(InputError, match=r"00001\.png: cannot read the image: No such file"):
        list(source)


def test_refuses_two_images_of_one_name(tmp_path: Path) -> None:
    recordings.write_images(tmp_path, recordings.pan(1), "a.png")
    recordings.write_images(tmp_path, recordings.pan(1), "a.jpg")
    with pytest.raises(InputError, match=r"one image per frame name.*a\.jpg and a\.png"):
        open_source(tmp_path)


def test_says_so_when_there_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a folder of images .* found none"):
        open_source(tmp_path)
