"""Pipelines from settings by their dotted names."""

from __future__ import annotations

from collections.abc import Mapping

from motion_seg_ros.build import build
from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.pipeline import MotionSegmenter
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import make_config


def built(
    values: Mapping[str, object] | None = None,
    *,
    live: bool = False,
    flow: DenseFlow | None = None,
) -> MotionSegmenter:
    """Build the pipeline of the settings that are given, with the defaults of all others."""
    return build(resolve(make_config(values), live=live), flow=flow)
