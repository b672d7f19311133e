"""Evidence of a small image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion_seg_ros.masks.fusion.evidence import Evidence, MotionEvidence

SIZE = (6, 9)


def evidence(*, size: tuple[int, int] = SIZE, **changes: object) -> Evidence:
    zero = np.zeros(size, np.float32)
    nothing = Evidence(
        belief=zero,
        total=zero,
        tracks=zero,
        colour=zero,
        **vars(MotionEvidence.none(size)),
    )
    return replace(nothing, **changes)  # type: ignore[arg-type]
