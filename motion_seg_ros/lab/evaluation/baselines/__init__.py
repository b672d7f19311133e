"""Plain methods to compare with: causal, deterministic, one instance per sequence, and no telling
apart of movers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from motion_seg_ros.lab.evaluation.annotated import MethodFactory
from motion_seg_ros.lab.evaluation.baselines.difference import HomographyDifference
from motion_seg_ros.lab.evaluation.baselines.fusion import RecursiveFusion
from motion_seg_ros.lab.evaluation.baselines.mog2 import HomographyMog2

__all__ = ["BASELINES", "HomographyDifference", "HomographyMog2", "RecursiveFusion"]

BASELINES: Mapping[str, MethodFactory] = MappingProxyType(
    {
        "homography_diff": HomographyDifference,
        "mog2": HomographyMog2,
        "fusion": RecursiveFusion,
    }
)
"""Name -> what makes the method."""
