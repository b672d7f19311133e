"""Config -> MotionSegmenter: the one place that chooses backends."""

from __future__ import annotations

from motion_seg_ros.config import Config
from motion_seg_ros.pipeline import MotionSegmenter


def build(config: Config) -> MotionSegmenter:
    """A segmenter with the backends that `config` names; heavy ones are imported here and not
    before.

    Raises:
        ConfigError: the backends do not fit together.
        MissingDependencyError: a backend's package is not installed.
    """
    raise NotImplementedError
