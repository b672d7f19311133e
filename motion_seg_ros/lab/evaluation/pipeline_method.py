"""The pipeline as a method to evaluate."""

from __future__ import annotations

from collections import Counter

from motion_seg_ros.build import build
from motion_seg_ros.errors import ConfigError
from motion_seg_ros.judgement import unjudged
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import Config
from motion_seg_ros.types import Frame, Source, TrackLabels, Tracks, UInt16Array


class PipelineMethod:
    """Masks of the pipeline, and the labelled tracks that say why.

    Args:
        config: chooses the backends.
        infer_every: one frame in so many is inferred; the others are answered with masks carried
            over, as live by a node that cannot keep up.

    Attributes:
        propagated: frames answered with masks carried over.

    Raises:
        MotionSegError: as of `build`.
    """

    def __init__(self, config: Config, infer_every: int = 1) -> None:
        self._segmenter = build(resolve(config))
        self._infer_every = infer_every
        self._pushed = 0
        self.propagated = 0
        self._abstentions: Counter[str] = Counter()
        self._resets: list[str] = []
        self._labelled: tuple[Tracks, TrackLabels] | None = None

    def push(self, frame: Frame) -> UInt16Array:
        """Return the masks of the next frame, (H, W) uint16, 0 = static, k = object k.

        Raises:
            ConfigError: a backend that answers some frames later.
        """
        carried_over = self._pushed % self._infer_every != 0
        self._pushed += 1
        if carried_over:
            self.propagated += 1
            self._labelled = None
            return self._segmenter.propagate(frame).masks.id_map
        result = self._segmenter.push(frame)
        if result is None:
            raise ConfigError(
                "evaluate: expected backends that answer each frame at once, found one that "
                "answers later; choose another"
            )
        if result.labels.abstention:
            self._abstentions[result.labels.abstention] += 1
        if result.reset_reason:
            self._resets.append(result.reset_reason)
        measured = result.tracks_source is Source.INFERRED
        self._labelled = (result.tracks, result.labels) if measured else None
        return result.masks.id_map

    @property
    def unjudged(self) -> str | None:
        """Why nothing, or little, of the frames so far could be judged; None where that is not
        so."""
        return unjudged(self._pushed - self.propagated, self._abstentions, self._resets)

    def labelled_tracks(self) -> tuple[Tracks, TrackLabels] | None:
        """Return the tracks over a window that ends at the last frame and their labels; None where
        the last ones known are of an earlier frame."""
        return self._labelled
