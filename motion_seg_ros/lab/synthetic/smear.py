"""Motion blur from the exact motion at each pixel, in place of many rendered moments."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.geometry import Hits, SceneGeometry
from motion_seg_ros.lab.synthetic.trajectory import Array

_STEP_PX = 2  # spacing of the pixels whose motion is computed
_SAMPLES = 7  # along the way of a pixel
_FARTHEST_PX = 40.0  # way of which movers smear over the world beside them; set by hand
_SHORTEST_PX = 0.7  # way in the exposure below which nothing is blurred; set by hand

FloatImage = npt.NDArray[np.float32]


def smeared(
    image: FloatImage, geometry: SceneGeometry, hits: Hits, time_s: float, exposure_s: float
) -> FloatImage:
    """Return an image (H, W, 3) as exposed for a while about its time.

    Each pixel averages the image along the fastest way near it, but a sample counts only as far as
    it or the pixel moves: movers smear over the world beside them, and the world does not smear
    over movers. Ripples do not blur. After McGuire et al., "A reconstruction filter for plausible
    motion blur", I3D 2012, without its order of depth.
    """
    way = _ways(geometry, hits, time_s, exposure_s)
    own = np.hypot(way[..., 0], way[..., 1])
    if own.max() < _SHORTEST_PX:
        return image
    along = _fastest_near(way, own)
    length = np.hypot(along[..., 0], along[..., 1])
    height, width = own.shape
    x = np.arange(width, dtype=np.float32)[None, :]
    y = np.arange(height, dtype=np.float32)[:, None]
    total, weights = image.copy(), np.ones((height, width), np.float32)
    for share in np.linspace(-0.5, 0.5, _SAMPLES + 1):
        at_x, at_y = x + np.float32(share) * along[..., 0], y + np.float32(share) * along[..., 1]
        there = cv2.remap(image, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        its = cv2.remap(own, at_x, at_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        far = abs(share) * length
        weight = np.clip(np.maximum(own, its) / 2 - far + 0.5, 0, 1)
        total += weight[..., None] * there
        weights += weight
    return np.asarray(total / weights[..., None], np.float32)


def _ways(geometry: SceneGeometry, hits: Hits, time_s: float, exposure_s: float) -> FloatImage:
    """Return the way of each pixel's surface through the image in an exposure, (H, W, 2)."""
    height, width = hits.piece.shape
    start, end = (geometry.poses(time_s + side * exposure_s / 2) for side in (-1, 1))
    middle = geometry.view(time_s)
    back = np.linalg.inv(middle.poses_to_camera)
    rows, columns = np.mgrid[0:height:_STEP_PX, 0:width:_STEP_PX]
    pixels = np.stack([columns.ravel(), rows.ravel(), np.ones(rows.size)])
    rays = np.linalg.inv(middle.intrinsics) @ pixels
    near = hits.inverse_depth[::_STEP_PX, ::_STEP_PX].ravel()
    seen: Array = np.concatenate([rays, near[None]])
    body = geometry.body_of(hits.piece[::_STEP_PX, ::_STEP_PX].ravel())
    ends = []
    for intrinsics, poses in (start, end):
        onto = (intrinsics @ (poses @ back)[:, :3])[body]
        image = np.einsum("nij,jn->in", onto, seen)
        ends.append(image[:2] / np.maximum(image[2], 1e-6))
    way = (ends[1] - ends[0]).T.reshape(*rows.shape, 2).astype(np.float32)
    longest = np.float32(0.25 * width)
    way = np.clip(np.nan_to_num(way), -longest, longest)
    grown = way.repeat(_STEP_PX, axis=0).repeat(_STEP_PX, axis=1)
    return np.ascontiguousarray(grown[:height, :width])


def _fastest_near(way: FloatImage, own: FloatImage) -> FloatImage:
    """Return the longest way within reach of each pixel, (H, W, 2)."""
    reach = int(np.ceil(min(own.max(), _FARTHEST_PX) / 2))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    longest = cv2.dilate(own, kernel)
    found = way.copy()
    # Where a faster neighbour reaches a pixel, its way is one of the few that are that long.
    faster = longest > own + _SHORTEST_PX
    for axis in (0, 1):
        most, least = cv2.dilate(way[..., axis], kernel), cv2.erode(way[..., axis], kernel)
        strongest = np.where(most > -least, most, least)
        found[..., axis] = np.where(faster, strongest, way[..., axis])
    return found
