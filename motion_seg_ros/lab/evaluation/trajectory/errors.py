"""Errors of a map's camera path against the true one, by the package evo.

ATE and RPE as Sturm et al., "A Benchmark for the Evaluation of RGB-D SLAM Systems", IROS 2012,
define them; for one camera, which does not observe scale, with a similarity transform (Umeyama
1991) in place of a rigid one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.evaluation.trajectory.poses import Poses

Array = npt.NDArray[np.float64]
MAX_APART_S = 0.02  # between a frame and its true pose, as in the tools of the TUM benchmark
MIN_POSES = 3  # frames with a true pose, for a similarity transform


@dataclass(frozen=True)
class PathErrors:
    """Errors of one path, in metres of the true one.

    Attributes:
        ate_m: root of the mean squared distance of the registered frames' positions from the true
            ones, after the transform that makes it least; null without a path.
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


def true_poses(truth: Poses, stamps_s: Array) -> Poses:
    """Return the true poses of frames, those nearest in time, under the frames' stamps.

    Args:
        truth: poses at any rate.
        stamps_s: (T,) of the frames, ascending; frames without a pose are left out.

    Raises:
        InputError: fewer than MIN_POSES frames have one.
    """
    from evo.core.sync import matching_time_indices

    frames, poses = matching_time_indices(stamps_s, truth.stamps_s, MAX_APART_S)
    if len(frames) < MIN_POSES:
        raise _apart(truth, stamps_s, len(frames))
    return Poses(stamps_s[frames], truth.camera_to_world[poses])


def check_same_clock(truth: Poses, stamps_s: Array) -> None:
    """Check that `true_poses` can succeed for frames with these stamps, in any order.

    Raises:
        InputError: fewer than MIN_POSES frames have a pose.
    """
    after = np.searchsorted(truth.stamps_s, stamps_s).clip(1, len(truth) - 1)
    nearest = np.minimum(
        np.abs(stamps_s - truth.stamps_s[after - 1]), np.abs(stamps_s - truth.stamps_s[after])
    )
    near = int((nearest <= MAX_APART_S).sum())
    if near < MIN_POSES <= len(stamps_s):
        raise _apart(truth, stamps_s, near)


def _apart(truth: Poses, stamps_s: Array, found: int) -> InputError:
    return InputError(
        f"poses: expected one within {MAX_APART_S:g} s of the stamps of at least {MIN_POSES} "
        f"frames, found {found} of {len(stamps_s)}: frames are from {stamps_s.min():.3f} to "
        f"{stamps_s.max():.3f} s, poses from {truth.stamps_s[0]:.3f} to "
        f"{truth.stamps_s[-1]:.3f} s; give poses of the same clock"
    )


def path_errors(truth: Poses, found: Poses, *, rigid: bool = False) -> PathErrors:
    """Compare a path with the true one.

    Args:
        truth: of the frames, from `true_poses`.
        found: of the registered frames, under their stamps; at any scale, in any coordinates.
        rigid: it is in metres, and is not scaled to fit.
    """
    from evo.core.geometry import GeometryException
    from evo.core.metrics import APE, RPE, PoseRelation, Unit

    registered = np.isin(truth.stamps_s, found.stamps_s)
    usable = np.isin(found.stamps_s, truth.stamps_s)
    true_xyz = truth.camera_to_world[:, :3, 3]
    nothing = PathErrors(None, _rms(true_xyz - true_xyz.mean(axis=0)))
    if registered.sum() < MIN_POSES:
        return nothing
    reference = _evo(truth, registered)
    path = _evo(found, usable)
    try:
        path.align(reference, correct_scale=not rigid)
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
