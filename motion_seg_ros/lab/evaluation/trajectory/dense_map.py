"""A dense map of the depth along a path, by OpenCV's volume of hashed blocks (cv2.Volume), and a
picture of it.

Newcombe et al., "KinectFusion", ISMAR 2011: voxels average signed distances to the surface. Blocks
are made where a surface is seen, so that what stood somewhere stays until it was looked through for
as long.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from motion_seg_ros.camera import Camera
from motion_seg_ros.lab.evaluation.trajectory.odometry import MAX_DEPTH_M
from motion_seg_ros.types import FloatArray, UInt8Array

VOXEL_M = 0.03
"""Side of a voxel. Set by hand: the noise of a Kinect at 4.5 m."""
_TRUNCATION_VOXELS = 3.0  # set by hand
_LIGHT = np.array([0.3, 0.5, 0.8])  # set by hand: from the left, above and behind the viewer
_AMBIENT = 0.25  # set by hand
_NEAR_M, _FAR_M = 0.8, 5.0  # of the colours; set by hand, for rooms
_JPEG_QUALITY = 85

Pose = npt.NDArray[np.float64]


class DenseMap:
    """Surfaces that a depth camera saw.

    Args:
        camera: without distortion.
    """

    def __init__(self, camera: Camera) -> None:
        height, width = camera.size
        matrix = camera.matrix.astype(np.float32)
        settings = cv2.VolumeSettings(cv2.VolumeType_HashTSDF)
        settings.setVoxelSize(VOXEL_M)
        settings.setTsdfTruncateDistance(_TRUNCATION_VOXELS * VOXEL_M)
        settings.setVolumePose(np.eye(4, dtype=np.float32))
        settings.setDepthFactor(1.0)
        settings.setMaxDepth(MAX_DEPTH_M)
        settings.setCameraIntegrateIntrinsics(matrix)
        settings.setCameraRaycastIntrinsics(matrix)
        settings.setIntegrateWidth(width)
        settings.setIntegrateHeight(height)
        settings.setRaycastWidth(width)
        settings.setRaycastHeight(height)
        self._volume = cv2.Volume(cv2.VolumeType_HashTSDF, settings)

    def add(self, depth_m: FloatArray, pose: Pose) -> None:
        """Add depth (H, W), float32 metres, NaN = unknown, seen from a pose camera -> map."""
        self._volume.integrate(np.nan_to_num(depth_m), pose.astype(np.float32))

    def picture(self, pose: Pose) -> UInt8Array:
        """Return the surfaces seen from a pose, (H, W, 3): lit, coloured by their distance from
        yellow to violet, black where there is none."""
        points, normals = self._volume.raycast(pose.astype(np.float32))
        seen = np.isfinite(points).all(axis=-1) & np.isfinite(normals).all(axis=-1)
        distance = (np.nan_to_num(points[..., 2]) - _NEAR_M) / (_FAR_M - _NEAR_M)
        levels = (255 * (1 - distance.clip(0, 1))).astype(np.uint8)
        light = np.abs(np.nan_to_num(normals[..., :3]) @ (_LIGHT / np.linalg.norm(_LIGHT)))
        shade = _AMBIENT + (1 - _AMBIENT) * light.clip(0, 1)
        picture = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS) * shade[..., None]
        picture[~seen] = 0
        return np.asarray(picture, np.uint8)


def as_jpeg(picture: UInt8Array) -> bytes:
    """Return a picture as a JPEG file."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return bytes(data)
