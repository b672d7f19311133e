"""Order of scored frames from the worst on."""

from __future__ import annotations

from motion_seg_ros.lab.evaluation.results import PerFrame

SHOWN_FRAMES = 10
"""Frames of all sequences that the report shows first."""

Rank = tuple[float, float, float]


def ranked_faults(per_frame: PerFrame) -> list[tuple[Rank, str]]:
    """Return rank and name of the frames that are not all right, the worst first.

    The worst frame is that of lowest J, among equals that of lowest F, and then that with the most
    pixels wrongly masked or missed.
    """
    ranked = []
    for index, name in enumerate(per_frame.name):
        region = per_frame.J[index]
        if region < 1:
            # With J = shared / union, and predicted + true = shared + union.
            both = per_frame.predicted_share[index] + per_frame.true_share[index]
            wrong = both * (1 - region) / (1 + region)
            ranked.append(((region, per_frame.F[index], -wrong), name))
    return sorted(ranked)
