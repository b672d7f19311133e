"""Cameras as COLMAP names and numbers them."""

from __future__ import annotations

from typing import NamedTuple

from motion_seg_ros.camera import EQUIDISTANT, NONE, Camera


class ColmapCamera(NamedTuple):
    """A camera model of COLMAP.

    Attributes:
        model: its name.
        parameters: in COLMAP's order, separated by commas.
    """

    model: str
    parameters: str


def colmap_camera(camera: Camera) -> ColmapCamera:
    """Return the model of COLMAP that a camera has, all its distortion included.

    https://colmap.github.io/cameras.html; the parameters stand in colmap/sensor/models.h
    """
    (fx, _, cx), (_, fy, cy), _ = camera.matrix.tolist()
    # COLMAP has the corner of the top-left pixel at (0, 0).
    pinhole = (fx, fy, cx + 0.5, cy + 0.5)
    if camera.distortion_model == NONE:
        return _named("PINHOLE", *pinhole)
    if camera.distortion_model == EQUIDISTANT:
        return _named("OPENCV_FISHEYE", *pinhole, *camera.distortion)
    if len(camera.distortion) == 4:
        return _named("OPENCV", *pinhole, *camera.distortion)
    return _named("FULL_OPENCV", *pinhole, *(*camera.distortion, 0.0, 0.0, 0.0)[:8])


def _named(model: str, *parameters: float) -> ColmapCamera:
    return ColmapCamera(model, ",".join(map(repr, parameters)))
