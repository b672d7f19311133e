"""Orientation of image files by their EXIF.

One rule for images, truth, predictions and exports: a file counts as it is shown, turned by its
EXIF, as OpenCV reads image files and telephones mean them. Messages are the exception: their pixels
are those that the calibration is about.
"""

from __future__ import annotations

from PIL import Image, ImageOps, TiffImagePlugin

_ORIENTATION = 0x0112
_UPRIGHT = 1
_QUARTER_TURNS = frozenset({5, 6, 7, 8})
_WIDTH, _LENGTH = 256, 257  # TIFF tags


def is_turned(picture: Image.Image) -> bool:
    """Return True if EXIF turns or mirrors a picture."""
    return bool(picture.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT)


def stored_size(picture: Image.Image) -> tuple[int, int]:
    """Return height and width of the pixels as they are stored; of one not yet decoded."""
    if isinstance(picture, TiffImagePlugin.TiffImageFile):  # some versions of Pillow turn the size
        return picture.tag_v2[_LENGTH], picture.tag_v2[_WIDTH]
    return picture.height, picture.width


def shown_size(picture: Image.Image) -> tuple[int, int]:
    """Return height and width as shown; of one not yet decoded."""
    height, width = stored_size(picture)
    quarter = picture.getexif().get(_ORIENTATION, _UPRIGHT) in _QUARTER_TURNS
    return (width, height) if quarter else (height, width)


def shown(picture: Image.Image) -> Image.Image:
    """Return a picture as shown."""
    picture.load()  # TIFF is turned here, and says so no more
    return ImageOps.exif_transpose(picture) or picture
