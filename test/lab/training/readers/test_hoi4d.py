"""HOI4D recordings of ours: a hand that passes over a table, in the publisher's layout."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.lab.training.readers.hoi4d import Hoi4dReader
from motion_seg_ros.tracking.flow import FlowTracker

SIZE = (96, 128)
FRAMES = 12
NAME = Path("ZY20210800001/H1/C5/N11/S125/s03/T1")


def images_and_masks() -> list[tuple[np.ndarray, np.ndarray]]:
    """A hand and a cup, in two colours of the label map, pass over a still table."""
    rng = np.random.default_rng(3)
    table = cv2.GaussianBlur(rng.integers(0, 255, (*SIZE, 3), np.uint8), (5, 5), 0)
    hand = cv2.GaussianBlur(rng.integers(0, 255, (36, 36, 3), np.uint8), (5, 5), 0)
    frames = []
    for index in range(FRAMES):
        image, mask = table.copy(), np.zeros((*SIZE, 3), np.uint8)
        x = 10 + 2 * index
        image[30:66, x : x + 36] = hand
        mask[30:66, x : x + 18] = (0, 0, 128)
        mask[30:66, x + 18 : x + 36] = (0, 128, 0)
        frames.append((image, mask))
    return frames


def write_recording(
    colour: Path, annotations: Path, *, masks: str = "mask", as_video: bool = True
) -> None:
    colour, folder = colour / NAME / "align_rgb", annotations / NAME / "2Dseg" / masks
    colour.mkdir(parents=True)
    folder.mkdir(parents=True)
    if as_video:
        fourcc = cv2.VideoWriter.fourcc(*"mp4v")
        video = cv2.VideoWriter(str(colour / "image.mp4"), fourcc, 15, SIZE[::-1])
    for index, (image, mask) in enumerate(images_and_masks()):
        if as_video:
            video.write(image)
        else:
            cv2.imwrite(str(colour / f"{index:05d}.jpg"), image)
        cv2.imwrite(str(folder / f"{index:05d}.png"), mask)
    if as_video:
        video.release()


def reader(root: Path, frames: int = 8) -> Hoi4dReader:
    return Hoi4dReader(root, FlowTracker(flow=DenseFlow(128), seeds=400), frames=frames)


@pytest.mark.parametrize("as_video", [True, False])
@pytest.mark.parametrize(("archives", "masks"), [(False, "mask"), (True, "shift_mask")])
def test_tracks_are_labelled_by_the_newest_mask(
    tmp_path: Path, as_video: bool, archives: bool, masks: str
) -> None:
    colour = tmp_path / "HOI4D_release" if archives else tmp_path
    annotations = tmp_path / "HOI4D_annotations" if archives else tmp_path
    write_recording(colour, annotations, masks=masks, as_video=as_video)
    (sample,) = reader(tmp_path, frames=FRAMES).samples(0)
    assert sample.visible.shape[0] == FRAMES
    assert sample.size == SIZE
    assert sample.tags == ("hoi4d",)
    newest = sample.visible[-1]
    np.testing.assert_array_equal(sample.labelled, newest)
    x, y = np.rint(sample.xy_px[-1, newest]).T
    left = 10 + 2 * (FRAMES - 1)
    passes = (x >= left) & (x < left + 36) & (y >= 30) & (y < 66)  # hand and cup
    np.testing.assert_array_equal(sample.moving[newest], passes)
    assert np.count_nonzero(passes) > 20


def test_windows_start_anywhere(tmp_path: Path) -> None:
    write_recording(tmp_path, tmp_path, as_video=False)
    movers = set()
    for seed in range(6):
        sample = next(reader(tmp_path, frames=3).samples(seed))
        assert sample.visible.shape[0] == 3
        movers.add(float(sample.xy_px[-1, sample.moving, 0].min().round()))
    assert len(movers) > 1


def test_every_recording_once(tmp_path: Path) -> None:
    write_recording(tmp_path, tmp_path, as_video=False)
    for task in ("T2", "T3"):
        other = (tmp_path / NAME).with_name(task)
        other.mkdir()
        for part in ("align_rgb", "2Dseg"):
            (other / part).symlink_to(tmp_path / NAME / part)
    found = reader(tmp_path)
    assert len(found.recordings) == 3
    assert len(list(found.samples(0))) == 3


class TestBrokenFiles:
    def test_no_recording(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="expected recordings ZY"):
            reader(tmp_path)

    def test_no_masks(self, tmp_path: Path) -> None:
        write_recording(tmp_path, tmp_path, masks="other")
        with pytest.raises(InputError, match="2Dseg: expected a folder mask or shift_mask"):
            reader(tmp_path)

    def test_no_mask_files(self, tmp_path: Path) -> None:
        write_recording(tmp_path, tmp_path)
        for each in (tmp_path / NAME / "2Dseg/mask").iterdir():
            each.unlink()
        with pytest.raises(InputError, match="expected masks"):
            next(reader(tmp_path).samples(0))

    def test_no_video(self, tmp_path: Path) -> None:
        write_recording(tmp_path, tmp_path)
        (tmp_path / NAME / "align_rgb/image.mp4").unlink()
        with pytest.raises(InputError, match=r"image\.mp4: expected the video"):
            next(reader(tmp_path).samples(0))

    def test_no_whole_video(self, tmp_path: Path) -> None:
        write_recording(tmp_path, tmp_path)
        (tmp_path / NAME / "align_rgb/image.mp4").write_bytes(b"nothing")
        with pytest.raises(InputError, match=r"image\.mp4: expected"):
            next(reader(tmp_path).samples(0))

    def test_more_masks_than_frames(self, tmp_path: Path) -> None:
        write_recording(tmp_path, tmp_path)
        mask = (tmp_path / NAME / "2Dseg/mask/00000.png").read_bytes()
        for index in range(FRAMES, 60):
            (tmp_path / NAME / f"2Dseg/mask/{index:05d}.png").write_bytes(mask)
        with pytest.raises(InputError, match=r"image\.mp4: expected frame \d+, for which"):
            next(reader(tmp_path).samples(0))

    @pytest.mark.parametrize("content", [None, b"nothing", "other size"])
    def test_a_mask(self, tmp_path: Path, content: bytes | str | None) -> None:
        write_recording(tmp_path, tmp_path)
        path = tmp_path / NAME / f"2Dseg/mask/{FRAMES - 1:05d}.png"
        if content is None:
            path.rename(path.with_name("last.png"))
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
        with pytest.raises(InputError, match=r"00011\.png: expected"):
            next(reader(tmp_path, frames=FRAMES).samples(0))
