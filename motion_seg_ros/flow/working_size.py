"""Size of the working images: by a longer side, or by a budget for images of any shape."""

from __future__ import annotations

LINES = 240
"""The budget: working images fit into 427x240, which is half of 854x480. Most images that the
networks were trained on did."""
ASPECT = 16 / 9  # of the budget's frame

MIN_SIDE_PX = 32  # the pyramid of DIS needs about as much; set by hand


def working_size(size: tuple[int, int], max_side_px: int) -> tuple[int, int]:
    """Return the height and width of the working image of an image of `size` = (H, W), whose longer
    side is `max_side_px`.

    A smaller image is worked in full. No side is below MIN_SIDE_PX unless the image's is.
    """
    return _scaled(size, max_side_px / max(size))


def fitted_size(size: tuple[int, int], lines: int = LINES) -> tuple[int, int]:
    """Return the height and width of the largest working image of an image of `size` = (H, W) that
    fits into a frame of ASPECT with the shorter side `lines`, upright for an upright image.

    For a smaller image see `working_size`.
    """
    longer_px = round(lines * ASPECT)
    return _scaled(size, min(lines / min(size), longer_px / max(size)))


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    height, width = size
    scale = min(1.0, max(scale, MIN_SIDE_PX / min(size)))
    return max(1, round(height * scale)), max(1, round(width * scale))
