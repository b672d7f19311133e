"""The pipeline, as an evaluation runs methods."""

from __future__ import annotations

from motion_seg_ros.build import build
from motion_seg_ros.errors import ConfigError
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import Config
from motion_seg_ros.types import Frame, Source, TrackLabels, Tracks, UInt16Array


class PipelineMethod:
    """Masks of the pipeline, and the labelled tracks that say why.

    Args:
        config: chooses the backends.

    Raises:
        MotionSegError: as of `build`.
    """

    def __init__(self, config: Config) -> None:
        self._segmenter = build(resolve(config))
        self._labelled: tuple[Tracks, TrackLabels] | None = None

    def push(self, frame: Frame) -> UInt16Array:
        """(H, W) uint16, 0 = static, k = object k: the masks of the next frame.

        Raises:
            ConfigError: a backend that answers some frames later than it sees them.
        """
        result = self._segmenter.push(frame)
        if result is None:
            raise ConfigError(
                "evaluate: expected backends that answer each frame at once, found one that "
                "answers later; choose another"
            )
        measured = result.tracks_source is Source.INFERRED
        self._labelled = (result.tracks, result.labels) if measured else None
        return result.masks.id_map

    def labelled_tracks(self) -> tuple[Tracks, TrackLabels] | None:
        """The tracks over a window that ends at the last frame, and what is said of them; None
        where the last ones known are of an earlier frame."""
        return self._labelled
