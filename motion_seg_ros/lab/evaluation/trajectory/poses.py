"""True poses of a camera: of a rendered scene, or from a file in the format of the TUM RGB-D
benchmark (https://cvg.cit.tum.de/data/datasets/rgbd-dataset/file_formats)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic.scene import Scene

Array = npt.NDArray[np.float64]
_COLUMNS = 8  # stamp tx ty tz qx qy qz qw
_UNIT_TOLERANCE = 0.01  # of quaternions written with few digits
_REMEDY = "each line is: stamp_s tx ty tz qx qy qz qw, in the order of the stamps"


@dataclass(frozen=True, eq=False)
class Poses:
    """Poses of a camera over time.

    Attributes:
        stamps_s: (P,) float64 seconds, ascending; of the same clock as the frames' stamps.
        camera_to_world: (P, 4, 4) float64 rigid, metres; camera axes x right, y down, z forward.
    """

    stamps_s: Array
    camera_to_world: Array

    def __len__(self) -> int:
        return len(self.stamps_s)


def scene_poses(scene: Scene) -> Poses:
    """Return the exact poses of a scene's camera at all of its frames."""
    stamps = [scene.time_s(index) for index in range(scene.frames)]
    return Poses(
        np.array(stamps, np.float64),
        np.array([scene.camera.trajectory.pose(stamp) for stamp in stamps]),
    )


def read_tum(path: Path) -> Poses:
    """Read a trajectory: lines of `stamp_s tx ty tz qx qy qz qw`, the camera's pose in the world in
    metres; # begins a comment.

    Raises:
        InputError: it cannot be read, or is something else.
    """
    from scipy.spatial.transform import Rotation

    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text"
        raise InputError(f"{path}: cannot read the poses: {reason}; check the file") from error
    rows = [
        _numbers(path, number, words)
        for number, line in enumerate(lines, 1)
        if (words := line.partition("#")[0].replace(",", " ").split())
    ]
    if len(rows) < 3:
        raise InputError(f"{path}: expected at least 3 poses, found {len(rows)}; {_REMEDY}")
    table = np.array(rows)
    late = np.flatnonzero(np.diff(table[:, 0]) <= 0)
    if len(late):
        raise InputError(
            f"{path}: expected rising stamps, found {table[late[0] + 1, 0]:.6f} after "
            f"{table[late[0], 0]:.6f}; sort the lines"
        )
    poses = np.tile(np.eye(4), (len(table), 1, 1))
    poses[:, :3, :3] = Rotation.from_quat(table[:, 4:]).as_matrix()
    poses[:, :3, 3] = table[:, 1:4]
    return Poses(table[:, 0], poses)


def _numbers(path: Path, number: int, words: Sequence[str]) -> list[float]:
    try:
        values = [float(each) for each in words]
    except ValueError:
        values = []
    if len(values) != _COLUMNS or not np.isfinite(values).all():
        raise InputError(
            f"{path}: line {number}: expected {_COLUMNS} numbers, found "
            f"{' '.join(words)[:60]!r}; {_REMEDY}"
        )
    length = float(np.linalg.norm(values[4:]))
    if abs(length - 1) > _UNIT_TOLERANCE:
        raise InputError(
            f"{path}: line {number}: expected a quaternion of length 1, found length "
            f"{length:.3f}; {_REMEDY}"
        )
    return values
