"""Texture atlas: all textures of a scene in one image, at every level of detail."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.photograph import CutOut, Photograph
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import Array

# Margin around each level, a wrapped copy of the opposite side, so that interpolation sees no seam.
_MARGIN_PX = 2
_ATLAS_WIDTH_PX = 4096
# cv2.remap takes images under 32767 pixels a side.
_LOOKUP_WIDTH_PX = 1024


class TextureAtlas:
    """Mip pyramids of seamless textures, packed, with trilinear look-up."""

    def __init__(self, textures: Sequence[Texture | Photograph | CutOut]) -> None:
        pyramids = [_pyramid(texture.tile_bgr()) for texture in textures]
        self._levels = np.array([len(pyramid) for pyramid in pyramids], np.intp)
        deepest = int(self._levels.max())
        # Origin (x, y) and side of every level of every texture; the coarsest stands in beyond it.
        self._place = np.zeros((len(pyramids), deepest, 3), np.float32)
        tiles = [
            (
                texture,
                level,
                np.pad(tile, ((_MARGIN_PX,) * 2, (_MARGIN_PX,) * 2, (0, 0)), mode="wrap"),
            )
            for texture, pyramid in enumerate(pyramids)
            for level, tile in enumerate(pyramid)
        ]
        tiles.sort(key=lambda entry: -entry[2].shape[0])
        x = y = shelf = 0
        corners = []
        for _, _, tile in tiles:
            side = tile.shape[0]
            if x + side > _ATLAS_WIDTH_PX:
                x, y, shelf = 0, y + shelf, 0
            corners.append((x, y))
            x, shelf = x + side, max(shelf, side)
        self._image = np.zeros((y + shelf, _ATLAS_WIDTH_PX, 3), np.uint8)
        for (texture, level, tile), (left, top) in zip(tiles, corners, strict=True):
            side = tile.shape[0]
            self._image[top : top + side, left : left + side] = tile
            self._place[texture, level] = left + _MARGIN_PX, top + _MARGIN_PX, side - 2 * _MARGIN_PX
        for texture, levels in enumerate(self._levels):
            self._place[texture, levels:] = self._place[texture, levels - 1]

    def look_up(
        self, texture: npt.NDArray[np.intp], u: Array, v: Array, level: Array
    ) -> npt.NDArray[np.float32]:
        """Look up the colours of surface points.

        Args:
            texture: index of the texture, any shape.
            u, v: texture coordinates in tiles, any real number; the texture repeats.
            level: log2 of the image footprint in texels of the finest level.

        Returns:
            The shape of `texture` and (3,), float32 blue, green, red in 0 to 255.
        """
        level = np.clip(level, 0, self._levels[texture] - 1)
        finer = level.astype(np.intp)
        share = (level - finer)[..., None].astype(np.float32)
        u, v = u - np.floor(u), v - np.floor(v)
        fine = self._sample(texture, u, v, finer)
        coarse = self._sample(texture, u, v, np.minimum(finer + 1, self._place.shape[1] - 1))
        return np.asarray(fine + share * (coarse.astype(np.float32) - fine), np.float32)

    def _sample(
        self, texture: npt.NDArray[np.intp], u: Array, v: Array, level: npt.NDArray[np.intp]
    ) -> npt.NDArray[np.uint8]:
        place = self._place.reshape(-1, 3).take(texture * self._place.shape[1] + level, axis=0)
        x = (place[..., 0] + place[..., 2] * u - 0.5).astype(np.float32)
        y = (place[..., 1] + place[..., 2] * v - 0.5).astype(np.float32)
        padding = -x.size % _LOOKUP_WIDTH_PX
        map_x = np.pad(x.ravel(), (0, padding)).reshape(-1, _LOOKUP_WIDTH_PX)
        map_y = np.pad(y.ravel(), (0, padding)).reshape(-1, _LOOKUP_WIDTH_PX)
        colours = cv2.remap(self._image, map_x, map_y, cv2.INTER_LINEAR)
        return np.asarray(colours.reshape(-1, 3)[: x.size].reshape(*x.shape, 3), np.uint8)


def _pyramid(tile: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """Return the mip levels of a square tile, each half the side of the last, down to 2 x 2."""
    levels = [tile]
    while levels[-1].shape[0] > 2:
        side = levels[-1].shape[0] // 2
        levels.append(
            np.asarray(cv2.resize(levels[-1], (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        )
    return levels
