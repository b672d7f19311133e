"""Evidence of a small image."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.masks.fusion.evidence import Evidence

SIZE = (6, 9)


def evidence(**changes: object) -> Evidence:
    zero = np.zeros(SIZE, np.float32)
    still = np.zeros((*SIZE, 2), np.float32)
    fields = dict.fromkeys(
        ("belief", "total", "memory", "flow", "photometry", "tracks", "colour"), zero
    )
    fields |= {"log_disagreement": zero, "trust": zero}
    image = np.full((*SIZE, 3), 128, np.uint8)
    values = {"image_bgr": image, "residuals_px": (still, still), **fields, **changes}
    return Evidence(**values)  # type: ignore[arg-type]
