"""How far a map's camera path is from the true one, by the package evo.

ATE and RPE as Sturm et al., "A Benchmark for the Evaluation of RGB-D SLAM Systems", IROS 2012,
define them, with a similarity transform (Umeyama 1991) in place of a rigid one, for one camera
cannot tell the scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.evaluation.trajectory_poses import Poses

Array = npt.NDArray[np.float64]
MAX_APART_S = 0.02
"""A frame whose stamp is farther than this from that of any pose has no true pose."""


@dataclass(frozen=True)
class PathErrors:
    """Errors of one path, in metres of the true one.

    Attributes:
        ate_m: root of the mean squared distance of the registered frames' positions from the true
            ones, after the similarity transform that makes it least; null without a path.
        ate_all_m: the same over all frames that have a true pose, after the same transform: a frame
            that is not registered counts where the registered one nearest in time is; without a
            path all count at the mean true position.
        rpe_m: root mean square error of the motion from each registered frame to the next one that
            is registered; null without a path.
        rpe_deg: the same of its rotation, in degrees.
        positions_m: stamp in seconds -> x, y, z of the registered frames, transformed.
    """

    ate_m: float | None
    ate_all_m: float
    rpe_m: float | None = None
    rpe_deg: float | None = None
    positions_m: Mapping[float, tuple[float, float, float]] | None = None


def true_poses(truth: Poses, stamps_s: Array, max_apart_s: float = MAX_APART_S) -> Poses:
    """The true poses of frames: those nearest in time; frames without one are left out.

    Args:
        truth: poses at any rate.
        stamps_s: (T,) of the frames, ascending.
        max_apart_s: see MAX_APART_S.

    Returns:
        The poses under the frames' stamps.

    Raises:
        InputError: fewer than three frames have one.
    """
    from evo.core.sync import matching_time_indices

    frames, poses = matching_time_indices(stamps_s, truth.stamps_s, max_apart_s)
    if len(frames) < 3:
        raise InputError(
            f"poses: expected one within {max_apart_s:g} s of the stamps of at least 3 frames, "
            f"found {len(frames)} of {len(stamps_s)}: frames are from {stamps_s[0]:.3f} to "
            f"{stamps_s[-1]:.3f} s, poses from {truth.stamps_s[0]:.3f} to "
            f"{truth.stamps_s[-1]:.3f} s; give poses of the same clock"
        )
    return Poses(stamps_s[frames], truth.camera_to_world[poses])


def path_errors(truth: Poses, found: Poses) -> PathErrors:
    """Hold a path against the true one.

    Args:
        truth: of the frames, as of `true_poses`.
        found: of the registered frames, at any scale and in any coordinates; the stamps are those
            of the frames.
    """
    from evo.core.geometry import GeometryException
    from evo.core.metrics import APE, RPE, PoseRelation, Unit

    registered = np.isin(truth.stamps_s, found.stamps_s)
    usable = np.isin(found.stamps_s, truth.stamps_s)
    true_xyz = truth.camera_to_world[:, :3, 3]
    nothing = PathErrors(None, _rms(true_xyz - true_xyz.mean(axis=0)))
    if registered.sum() < 3:
        return nothing
    reference = _evo(truth, registered)
    path = _evo(found, usable)
    try:
        path.align(reference, correct_scale=True)
    except GeometryException:  # all in one place
        return nothing
    ape = APE(PoseRelation.translation_part)
    rpe = RPE(PoseRelation.translation_part, delta=1, delta_unit=Unit.frames)
    turn = RPE(PoseRelation.rotation_angle_deg, delta=1, delta_unit=Unit.frames)
    for metric in (ape, rpe, turn):
        metric.process_data((reference, path))
    stamps = truth.stamps_s[registered]
    xyz = np.asarray(path.positions_xyz, np.float64)
    nearest = np.abs(truth.stamps_s[:, None] - stamps).argmin(axis=1)
    return PathErrors(
        ate_m=_rmse(ape),
        ate_all_m=_rms(xyz[nearest] - true_xyz),
        rpe_m=_rmse(rpe),
        rpe_deg=_rmse(turn),
        positions_m={
            float(stamp): (float(x), float(y), float(z))
            for stamp, (x, y, z) in zip(stamps, xyz, strict=True)
        },
    )


def _evo(poses: Poses, chosen: npt.NDArray[np.bool_]) -> Any:
    from evo.core.trajectory import PoseTrajectory3D

    matrices = list(poses.camera_to_world[chosen])
    return PoseTrajectory3D(poses_se3=matrices, timestamps=poses.stamps_s[chosen])


def _rmse(metric: Any) -> float:
    from evo.core.metrics import StatisticsType

    return float(metric.get_statistic(StatisticsType.rmse))


def _rms(offsets: Array) -> float:
    return float(np.sqrt((offsets**2).sum(axis=1).mean()))
