"""Soft shadows of bodies on the ground plane y = 0."""

from __future__ import annotations

import numpy as np

from motion_seg_ros.lab.synthetic.scene import Body, Light, Material
from motion_seg_ros.lab.synthetic.surfaces import ObservedPlane, PlanarPiece
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import Array

_NOTHING = Material(Texture("plain", ((0, 0, 0), (0, 0, 0))))
# Extent of a shadow in radii of its body; set by hand.
_RIM = 1.2
# A pixel lies on the ground where its depth and the ground's agree to this share.
_ON_GROUND = 1e-4


class ObservedShadow:
    """Elliptic shadow of one body through a camera."""

    def __init__(self, plane: ObservedPlane, light: Light) -> None:
        self.bounds_px = plane.bounds_px
        self._plane = plane
        self._light = light

    def until(self, last: ObservedShadow, height: int) -> ObservedShadow:
        """Return the shadow whose image rows are read from now until it is as `last`."""
        return ObservedShadow(self._plane.until(last._plane, height), self._light)

    def transmission(self, x: Array, y: Array, inverse_depth: Array) -> Array:
        """Return the share of the light left at the surface points of pixels; 1 off the ground."""
        u, v, ground = self._plane.coordinates(x, y)
        radius = _RIM * np.hypot(2 * u - 1, 2 * v - 1)
        darkness = self._light.shadow * np.clip((_RIM - radius) / self._light.penumbra, 0, 1)
        on_ground = np.abs(ground - inverse_depth) < _ON_GROUND * inverse_depth
        return np.asarray(np.where(on_ground, 1 - darkness, 1.0))


def observe_shadow(
    body: Body, pose: Array, world_to_camera: Array, intrinsics: Array, light: Light
) -> ObservedShadow | None:
    """Return the shadow of a body with a (4, 4) pose in the world; None where none is in sight."""
    if body.shadow_m <= 0:
        return None
    towards = light.direction
    height = max(0.0, -pose[1, 3])
    # A point at height h throws its shadow h cot(elevation) away from the sun; the body reaches
    # from the ground to twice the height of its origin.
    away = -towards[[0, 2]] / max(-towards[1], 0.1)
    cot = float(np.hypot(*away))
    along = away / cot if cot > 1e-6 else np.array([1.0, 0.0])
    centre = pose[[0, 2], 3] + height * away
    half_long = _RIM * (body.shadow_m + height * cot) * along
    half_wide = _RIM * body.shadow_m * np.array([-along[1], along[0]])
    corner = centre - half_long - half_wide
    in_space = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    piece = PlanarPiece(
        corner @ in_space, 2 * half_long @ in_space, 2 * half_wide @ in_space, _NOTHING
    )
    plane = piece.observe(world_to_camera, intrinsics, towards, light, 0.0)
    return None if plane is None else ObservedShadow(plane, light)
