"""Surface textures and outlines cut out of photographs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError

_SEAM = 0.25  # of a tile that fades over into its opposite side; set by hand
_OPAQUE = 127  # alpha above which a pixel is the thing's
_KEPT = 24  # decoded photographs; set by hand: 4 MB each
_GREY_BGR = np.array([0.114, 0.587, 0.299])  # of ITU-R BT.601


@dataclass(frozen=True)
class Colouring:
    """Change of a picture's colours.

    Attributes:
        gains_bgr: factors on blue, green and red.
        contrast: factor on the deviation from the mean colour.
        saturation: factor on the deviation from grey.
    """

    gains_bgr: tuple[float, float, float] = (1.0, 1.0, 1.0)
    contrast: float = 1.0
    saturation: float = 1.0

    def of(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the recoloured picture (H, W, 3), levels beyond 0 to 255 included."""
        less = self.saturation * np.eye(3) + (1 - self.saturation) * np.tile(_GREY_BGR, (3, 1))
        mean = less @ np.array(cv2.mean(picture)[:3])
        gains = np.array(self.gains_bgr)
        linear = self.contrast * gains[:, None] * less
        constant = (1 - self.contrast) * gains * mean
        matrix = np.c_[linear, constant].astype(np.float32)
        return np.asarray(cv2.transform(picture.astype(np.float32), matrix), np.float32)


@dataclass(frozen=True)
class Photograph:
    """Seamless tile cut out of a photograph.

    Attributes:
        file: path of the picture.
        corner: left and top of the piece, as shares of the room there is for it.
        share: its side as a share of the picture's shorter one.
        turns: quarter turns.
        mirrored: True if mirrored.
        colouring: change of its colours.
        size_px: side of the tile in texels, a power of two.
    """

    file: str
    corner: tuple[float, float] = (0.0, 0.0)
    share: float = 1.0
    turns: int = 0
    mirrored: bool = False
    colouring: Colouring = Colouring()
    size_px: int = 256

    def tile_bgr(self) -> npt.NDArray[np.uint8]:
        """Return a seamless tile (size_px, size_px, 3) uint8, blue, green, red.

        Raises:
            InputError: the picture cannot be read.
        """
        picture = _decoded(self.file)
        height, width = picture.shape[:2]
        side = max(2, round(self.share * min(height, width)))
        left, top = (
            int(place * (length - side))
            for place, length in zip(self.corner, (width, height), strict=True)
        )
        piece = _resized(
            picture[top : top + side, left : left + side, :3], round(self.size_px * (1 + _SEAM))
        )
        piece = np.rot90(piece[:, ::-1] if self.mirrored else piece, self.turns)
        tile = self.colouring.of(piece)
        for _ in range(2):
            tile = _closed(tile, self.size_px).transpose(1, 0, 2)
        return _levels(tile)


@dataclass(frozen=True)
class CutOut:
    """Picture of one thing, on a transparent ground: the look and the outline of a panel.

    Attributes:
        file: path of the picture, which has an alpha channel.
        mirrored: True if mirrored.
        colouring: change of its colours.
        size_px: side of the picture in texels once it is a square, a power of two.
    """

    file: str
    mirrored: bool = False
    colouring: Colouring = Colouring()
    size_px: int = 256

    @property
    def aspect(self) -> float:
        """Its width over its height.

        Raises:
            InputError: the picture cannot be read.
        """
        height, width = _decoded(self.file).shape[:2]
        return float(width / height)

    def tile_bgr(self) -> npt.NDArray[np.uint8]:
        """Return the picture (size_px, size_px, 3) uint8, the thing's colours grown over its edge.

        Raises:
            InputError: the picture cannot be read.
        """
        picture = _decoded(self.file)
        alpha = (picture[..., 3:] > _OPAQUE).astype(np.float32)
        reach = max(3, min(picture.shape[:2]) // 8)
        near = cv2.blur(picture[..., :3] * alpha, (reach, reach))
        weight = cv2.blur(alpha, (reach, reach))[..., None]
        grown = np.where(alpha > 0, picture[..., :3], near / np.maximum(weight, 1e-3))
        square = _resized(_levels(grown), self.size_px)
        return _levels(self.colouring.of(square[:, ::-1] if self.mirrored else square))

    def covers(
        self, u: npt.NDArray[np.float64], v: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.bool_]:
        """Return which texture coordinates in the unit square show the thing."""
        inside = _silhouette(self.file)
        height, width = inside.shape
        across = 1 - u if self.mirrored else u
        # Coordinates beyond the panel, and of rays that never meet its plane, are of no interest.
        x = np.nan_to_num(across * width).clip(0, width - 1).astype(np.intp)
        y = np.nan_to_num(v * height).clip(0, height - 1).astype(np.intp)
        return np.asarray(inside[y, x])


def _resized(picture: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    shrinks = side < min(picture.shape[:2])
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side, side), interpolation=way), np.uint8)


def _levels(image: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(image), 0, 255), np.uint8)


def _closed(tile: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    """Return the first `size` rows of a longer tile; they fade over so that they close."""
    over = tile.shape[0] - size
    share = ((np.arange(over, dtype=np.float32) + 0.5) / over)[:, None, None]
    closed = tile[:size].copy()
    closed[:over] = share * tile[:over] + (1 - share) * tile[size:]
    return closed


@lru_cache(maxsize=_KEPT)
def _decoded(file: str) -> npt.NDArray[np.uint8]:
    picture = cv2.imread(file, cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise InputError(f"{file}: expected a photograph, found none; fetch the photographs again")
    return np.asarray(picture, np.uint8)


@lru_cache(maxsize=4 * _KEPT)
def _silhouette(file: str) -> npt.NDArray[np.bool_]:
    return np.asarray(_decoded(file)[..., 3] > _OPAQUE)
