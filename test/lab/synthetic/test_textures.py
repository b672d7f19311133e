"""Textures and their look-up: seams, seeds, exact texels, levels of detail."""

from __future__ import annotations

import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic.atlas import TextureAtlas
from motion_seg_ros.lab.synthetic.textures import Texture

COLOURS = ((40, 80, 160), (200, 180, 90))
SOFT = ("noise", "grass")
PATTERNS = ("plain", "noise", "speckle", "checker", "stripes", "bricks", "facade", "grass", "sky")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_tiles_have_their_size_and_depend_on_nothing_but_their_description(pattern):
    texture = Texture(pattern, COLOURS, size_px=64)
    tile = texture.tile_bgr()
    assert (tile.shape, tile.dtype) == ((64, 64, 3), np.uint8)
    np.testing.assert_array_equal(tile, Texture(pattern, COLOURS, size_px=64).tile_bgr())


@pytest.mark.parametrize("pattern", [p for p in PATTERNS if p != "plain"])
def test_seeds_change_the_picture(pattern):
    first, second = (Texture(pattern, COLOURS, seed=s, size_px=64).tile_bgr() for s in (1, 2))
    assert (first != second).mean() > 0.2


@pytest.mark.parametrize("pattern", SOFT)
@pytest.mark.parametrize("axis", [0, 1])
def test_the_seam_is_no_rougher_than_the_inside(pattern, axis):
    tile = Texture(pattern, COLOURS, size_px=128).tile_bgr().astype(int)
    inside = np.abs(np.diff(tile, axis=axis)).mean()
    seam = np.abs(tile.take(0, axis) - tile.take(-1, axis)).mean()
    assert seam < 1.5 * inside


def test_a_plain_tile_is_its_first_colour():
    assert (Texture("plain", COLOURS).tile_bgr() == COLOURS[0]).all()


def test_a_checker_without_grain_has_its_two_colours_in_equal_parts():
    tile = Texture("checker", COLOURS, cells=4, grain=0.0, size_px=64).tile_bgr()
    assert (tile[:16, :16] == COLOURS[0]).all()
    assert (tile[:16, 16:32] == COLOURS[1]).all()
    assert (tile == COLOURS[0]).all(axis=-1).mean() == 0.5


@pytest.mark.parametrize("size", [8, 100, 4096])
def test_a_size_that_is_no_power_of_two_in_range_is_refused(size):
    with pytest.raises(InputError, match="power of two"):
        Texture("plain", COLOURS, size_px=size)


def test_the_atlas_gives_every_texel_of_every_texture_and_wraps():
    textures = [Texture(p, COLOURS, seed=i, size_px=64) for i, p in enumerate(PATTERNS)]
    atlas = TextureAtlas(textures)
    centres = (np.arange(64) + 0.5) / 64
    u, v = np.meshgrid(centres, centres)
    for index, texture in enumerate(textures):
        which = np.full(u.shape, index)
        for turns in (-2, 0, 5):
            found = atlas.look_up(which, u + turns, v - turns, np.zeros(u.shape))
            np.testing.assert_array_equal(found, texture.tile_bgr())


def test_between_texels_across_the_seam_the_atlas_gives_their_mean():
    texture = Texture("noise", COLOURS, size_px=64)
    tile = texture.tile_bgr().astype(float)
    found = TextureAtlas([texture]).look_up(
        np.zeros(64, int), np.zeros(64), (np.arange(64) + 0.5) / 64, np.zeros(64)
    )
    np.testing.assert_allclose(found, (tile[:, 0] + tile[:, -1]) / 2, atol=0.51)


def test_levels_of_detail_average_the_tile_and_blend():
    texture = Texture("noise", COLOURS, size_px=64)
    tile = texture.tile_bgr().astype(float)
    atlas = TextureAtlas([texture])

    def at(level):
        return atlas.look_up(np.zeros(1, int), np.array([1 / 64]), np.array([1 / 64]), level)[0]

    block = tile[:2, :2].mean(axis=(0, 1))  # the texel of level 1 whose centre this is
    np.testing.assert_allclose(at(np.array([1.0])), block, atol=1.0)
    half = (at(np.array([0.0])) + at(np.array([1.0]))) / 2
    np.testing.assert_allclose(at(np.array([0.5])), half, atol=0.01)
    coarsest = np.mean([at(np.array([50.0]))], axis=0)
    assert np.abs(coarsest - tile.mean(axis=(0, 1))).max() < 30
