"""Folders of images as sequences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import recordings

from motion_seg_ros.errors import InputError
from motion_seg_ros.io.image_folder import in_name_order
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


@pytest.mark.parametrize(
    "names",
    [
        [str(round(1_700_000_000 + i / 30, 6)) for i in range(40)],  # zeros at the end are missing
        [str(i * 2e-5) for i in range(8)],  # 2e-05 and so on
        ["-1.5", "-0.25", "0.0", "0.1", "0.15", "2", "10"],
        ["0.05", "0.10", "0.15"],
        [f"left_{1_700_000_000 + i * 0.05:.10g}" for i in range(30)],
        # Chapter and count, and seconds and nanoseconds, are no decimal numbers.
        [f"2.{i}" for i in range(1, 13)],
        ["a1.9", "a1.10", "a2.1"],
        ["1700000000.33333333", "1700000000.100000000", "1700000000.900000000"],
        ["7", "08", "img2", "img10"],
    ],
)
def test_names_that_are_decimal_numbers_go_by_their_values(names: list[str]) -> None:
    files = [Path(f"{each}.png") for each in names]
    assert in_name_order(sorted(files)) == files
    assert in_name_order(reversed(files)) == files


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


@pytest.mark.parametrize("kind", ["png", "jpg"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_leaves_out_the_image_that_is_cut_off(
    tmp_path: Path, kind: str, share: float, caplog: pytest.LogCaptureFixture
) -> None:
    files = recordings.write_images(tmp_path, recordings.pan(3), f"{{:05d}}.{kind}")
    whole = files[1].read_bytes()
    files[1].write_bytes(whole[: int(share * len(whole))])
    source = open_source(tmp_path)
    assert [each.name for each in source] == ["00000", "00002"]
    (warning,) = caplog.messages
    assert f"00001.{kind}: expected an image, found" in warning
    assert list(source.bad_frames) == ["00001"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.write_bytes(b"no picture"), "found no image that decodes"),
        (lambda file: file.unlink(), "cannot read the image: No such file"),
    ],
)
def test_leaves_out_the_image_that_does_not_decode_or_went_away(
    tmp_path: Path,
    change: Callable[[Path], object],
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = recordings.write_images(tmp_path, recordings.pan(3))
    source = open_source(tmp_path)
    change(files[1])
    items = list(source)
    assert [each.frame.stamp_ns for each in items] == [0, round(2e9 / 30)]
    (warning,) = caplog.messages
    assert "00001.png: " in warning
    assert words in warning


def test_refuses_a_folder_in_which_no_image_decodes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for file in recordings.write_images(tmp_path, recordings.pan(3)):
        file.write_bytes(b"")
    expected = r"00000\.png: expected an image, found empty.*\(no frame of 3 can be used\)"
    with pytest.raises(InputError, match=expected):
        list(open_source(tmp_path))
    assert caplog.messages == []


def test_refuses_two_images_of_one_name(tmp_path: Path) -> None:
    recordings.write_images(tmp_path, recordings.pan(1), "a.png")
    recordings.write_images(tmp_path, recordings.pan(1), "a.jpg")
    with pytest.raises(InputError, match=r"one image per frame name.*a\.jpg and a\.png"):
        open_source(tmp_path)


def test_says_so_when_there_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a folder of images .* found none"):
        open_source(tmp_path)
