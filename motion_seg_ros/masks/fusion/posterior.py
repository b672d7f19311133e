"""Belief per pixel that it moves: fusion of all evidence at working resolution."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from motion_seg_ros.flow.lookup import pixel_grid, resized
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.masks.fusion.colour import ColourModel
from motion_seg_ros.masks.fusion.evidence import Evidence
from motion_seg_ros.masks.fusion.flow_evidence import FlowEvidence
from motion_seg_ros.masks.fusion.image_evidence import ImageEvidence
from motion_seg_ros.types import FloatArray, TrackLabels, Tracks

# Values of a prototype, lab/evaluation/baselines/fusion.py; on rendered scenes none is clearly
# better, see docs/masks_tried.md:
BORDER_LOG_ODDS = -1.6  # at the very border, where flow is worst
BORDER_SHARE = 0.06  # of the image's sides, over which it falls off
COLOUR_WEIGHT = 1.1
# Set by hand, and kept there, too:
PRIOR_LOG_ODDS = -1.8  # most of the world is static
STATIC_FLOW_LIMIT = 0.3  # flow like the camera's does not rule out motion, which the tracks show
TRACK_WEIGHT_FLOOR = 2e-3
DENIAL = 2.0  # log-odds of static, by tracks, that forbid moving by colour


class MotionPosterior:
    """Fuses flow, photometry, tracks and the colours that moved before into a belief per pixel."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._colour = ColourModel()
        self._motion = FlowEvidence()

    def update(
        self,
        seen: ImageEvidence,
        tracks: Tracks,
        labels: TrackLabels,
        geometry: WindowGeometry,
    ) -> Evidence | None:
        """Return the evidence about the newest frame; None for a stream's first frame.

        Args:
            seen: of the frame.
            tracks: of the window that ends at the frame.
            labels: of the tracks.
            geometry: of the window.
        """
        by_tracks = _track_evidence(seen, tracks, labels)
        motion = self._motion.update(seen, geometry, probability(-by_tracks))
        if not seen.flows:
            return None
        by_colour = self._colour.log_odds(seen.colours)
        total = prior_log_odds(seen.size) + by_tracks + motion.photometry
        total += np.maximum(motion.flow, np.float32(-STATIC_FLOW_LIMIT))
        # Where tracks stand still, colours that moved do not count, and those there are no news.
        allowed = np.clip(1 + by_tracks / DENIAL, 0, 1)
        total += COLOUR_WEIGHT * np.minimum(by_colour, by_colour * allowed)
        belief = np.clip(seen.finisher.smooth(probability(total)), 0.01, 0.99)
        self._colour.learn(seen.colours, belief, allowed)
        return Evidence(
            belief=np.asarray(np.log(belief / (1 - belief)), np.float32),
            total=total,
            tracks=by_tracks,
            colour=by_colour,
            **vars(motion),
        )


@lru_cache(maxsize=8)  # the sizes of one stream; set by hand
def prior_log_odds(size: tuple[int, int], middle: float = PRIOR_LOG_ODDS) -> FloatArray:
    """Return (h, w) float32 log-odds of moving before anything is seen, for `size` = (h, w), with
    `middle` far from the border; shared, so not to be written to."""
    border = BORDER_LOG_ODDS * np.exp(-((border_depth(size) / BORDER_SHARE) ** 2))
    prior = np.asarray(middle + border, np.float32)
    prior.flags.writeable = False
    return prior


def border_depth(size: tuple[int, int]) -> FloatArray:
    """Return (h, w) float32 the distance to the nearest border in sides of the image, for `size` =
    (h, w)."""
    height, width = size
    grid = pixel_grid(size)
    edge = np.minimum(grid, np.array([width - 1, height - 1], np.float32) - grid)
    return np.asarray((edge / np.array([width, height], np.float32)).min(axis=2), np.float32)


def _track_evidence(seen: ImageEvidence, tracks: Tracks, labels: TrackLabels) -> FloatArray:
    """Return (h, w) the tracks' log-odds, spread up to the edges of the image."""
    height, width = seen.size
    values = np.zeros((height, width), np.float32)
    weight = np.zeros((height, width), np.float32)
    some = tracks.visible[-1] & np.isfinite(labels.moving_probability)
    if not some.any():
        return values
    xy = resized(tracks.xy_px[-1, some], seen.frame.size, (height, width))
    x, y = np.clip(np.rint(xy).astype(np.int64), 0, [width - 1, height - 1]).T
    values[y, x] = labels.log_odds[some]
    weight[y, x] = 1
    return seen.smoother.spread(values, weight, TRACK_WEIGHT_FLOOR)


def probability(log_odds: FloatArray) -> FloatArray:
    """Convert log-odds to probabilities of the same shape."""
    return np.asarray(1 / (1 + np.exp(-log_odds)), np.float32)
