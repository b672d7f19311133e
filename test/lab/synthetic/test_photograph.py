"""Textures and outlines of photographs, against pictures made for the purpose."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic.photograph import Colouring, CutOut, Photograph
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Body, Camera, Material, Panel, Scene
from motion_seg_ros.lab.synthetic.trajectory import Placement, Trajectory

RED, BLUE = (0, 0, 255), (255, 0, 0)


def picture(folder: Path, image: np.ndarray) -> str:
    path = folder / "picture.png"
    cv2.imwrite(str(path), image)
    return str(path)


def halves(folder: Path) -> str:
    """A picture of 100 x 200, red on the left and blue on the right."""
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, :100], image[:, 100:] = RED, BLUE
    return picture(folder, image)


def disk(folder: Path) -> str:
    """A red disk of half the picture's side, in the middle of nothing."""
    y, x = np.mgrid[:200, :200] - 99.5
    image = np.zeros((200, 200, 4), np.uint8)
    image[np.hypot(x, y) < 50] = (*RED, 255)
    return picture(folder, image)


def test_a_tile_shows_the_piece_that_it_is_cut_from(tmp_path: Path) -> None:
    file = halves(tmp_path)
    left = Photograph(file, corner=(0.0, 0.5), share=0.9, size_px=64).tile_bgr()
    right = Photograph(file, corner=(1.0, 0.5), share=0.9, size_px=64).tile_bgr()
    assert left.shape == (64, 64, 3)
    assert (left == RED).all()
    assert (right == BLUE).all()


def test_a_tile_closes(tmp_path: Path) -> None:
    """The step from the last column to the first is no larger than those between others."""
    ramp = np.broadcast_to(np.linspace(0, 255, 400)[None, :, None], (300, 400, 3))
    file = picture(tmp_path, ramp.astype(np.uint8))
    for turns in (0, 1):
        tile = Photograph(file, share=1.0, turns=turns, size_px=128).tile_bgr().astype(float)
        for axis in (0, 1):
            steps = np.abs(np.diff(tile, axis=axis)).max()
            last, first = tile.take(-1, axis), tile.take(0, axis)
            assert np.abs(last - first).max() <= steps + 1


def test_mirrored_and_turned_tiles_differ_and_the_same_one_is_the_same(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)
    file = picture(tmp_path, image)
    plain = Photograph(file, size_px=64)
    np.testing.assert_array_equal(plain.tile_bgr(), Photograph(file, size_px=64).tile_bgr())
    for other in (Photograph(file, mirrored=True, size_px=64), Photograph(file, turns=1)):
        assert (
            other.tile_bgr().shape != plain.tile_bgr().shape
            or (other.tile_bgr() != plain.tile_bgr()).any()
        )


def test_recolouring(tmp_path: Path) -> None:
    file = picture(tmp_path, np.full((80, 80, 3), (40, 80, 120), np.uint8))
    grey = Photograph(file, colouring=Colouring(saturation=0.0), size_px=16).tile_bgr()
    luminance = round(0.114 * 40 + 0.587 * 80 + 0.299 * 120)
    assert (np.abs(grey.astype(int) - luminance) <= 1).all()
    dark = Photograph(file, colouring=Colouring((0.5, 0.5, 0.5)), size_px=16).tile_bgr()
    assert (np.abs(dark.astype(int) - (20, 40, 60)) <= 1).all()


def test_a_card_covers_exactly_the_thing_in_its_picture(tmp_path: Path) -> None:
    """A disk of 0.5 m on a card of 1 m, 2 m before a camera of 100 px focal length."""
    cut_out = CutOut(disk(tmp_path))
    card = Panel((1.0, 1.0), Material(cut_out), cut_out)
    fov_deg = float(np.degrees(2 * np.arctan(0.5)))
    camera = Camera(101, 101, fov_deg * 101 / 101)
    body = Body((card,), Trajectory.still(Placement(z=2.0)), instance=1)
    frame = Renderer(Scene("disk", camera, (body,), frames=1)).render(0)
    focal = float(camera.matrix(0.0)[0, 0])
    y, x = np.mgrid[:101, :101] - 50.0
    radius = np.hypot(x, y)
    expected = 0.25 * focal / 2.0
    shown = frame.instances == 1
    assert shown[radius < expected - 0.7].all()
    assert not shown[radius > expected + 0.7].any()
    assert (frame.image_bgr[radius < expected - 2][:, 2] > 100).all()
    assert cut_out.aspect == 1.0


def test_a_mirrored_cut_out_is_mirrored_in_look_and_outline(tmp_path: Path) -> None:
    image = np.zeros((100, 100, 4), np.uint8)
    image[:, :30] = (*RED, 255)
    file = picture(tmp_path, image)
    u, v = np.array([0.1, 0.9]), np.array([0.5, 0.5])
    assert CutOut(file).covers(u, v).tolist() == [True, False]
    assert CutOut(file, mirrored=True).covers(u, v).tolist() == [False, True]
    assert tuple(CutOut(file, mirrored=True).tile_bgr()[128, 250]) == RED
    # The thing's colours go on beyond its edge, so that no ground shows along it.
    assert tuple(CutOut(file).tile_bgr()[128, 78]) == RED


def test_a_picture_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jpg: expected a photograph, found none; fetch"):
        Photograph(str(tmp_path / "gone.jpg")).tile_bgr()
