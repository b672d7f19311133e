"""Difficulties of a rendered frame beside its movers, such as water or smoke, from its scene."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.geometry import Hits, SceneGeometry
from motion_seg_ros.lab.synthetic.smoke import largest_cloud_px
from motion_seg_ros.lab.synthetic.surfaces import PlanarPiece

STOPPED, WATER, LEAVES = "stopped", "water", "leaves"
REFLECTION, SMOKE = "reflection", "smoke"
SHADOWS, NEAR_STATIC = "moving shadows", "near static"
TRAITS = (STOPPED, NEAR_STATIC, WATER, LEAVES, REFLECTION, SMOKE, SHADOWS)

IN_SIGHT = 0.02
"""Least share of the image that something fills to count. Set by hand."""
NEAR_FACTOR = 2.0
"""A static surface is near if nine tenths of what is seen of it are nearer than the median distance
of all static surfaces in sight, divided by this: ground, which reaches from near to far, is not.
Both were set by hand."""
_FARTHEST = 0.1
_LYING = 0.99  # least vertical part of the normal of water


def traits(geometry: SceneGeometry, index: int, hits: Hits, moving: frozenset[int]) -> set[str]:
    """Return those of TRAITS that a frame has.

    Args:
        geometry: of the scene.
        index: of the frame.
        hits: of the rays of its pixels, (H, W).
        moving: the movers that move in it.
    """
    scene = geometry.scene
    view = geometry.view(scene.time_s(index))
    instances = geometry.instance_of(hits.piece)
    standing = set(np.unique(instances).tolist()) - {0} - moving
    found = {STOPPED} if standing else set()
    static = hits.piece[instances == 0]
    inverse_depth = hits.inverse_depth[instances == 0]
    seen = inverse_depth > 0  # not of the sky
    static, inverse_depth = static[seen], inverse_depth[seen]
    share = np.bincount(static, minlength=len(geometry.pieces)) / hits.piece.size
    of_kind: dict[str, float] = {}
    for piece in np.flatnonzero(share):
        for kind in _kinds(geometry, int(piece)):
            of_kind[kind] = of_kind.get(kind, 0.0) + share[piece]
    found |= {kind for kind, all_of_it in of_kind.items() if all_of_it >= IN_SIGHT}
    if _near(static, inverse_depth, np.flatnonzero(share >= IN_SIGHT)):
        found.add(NEAR_STATIC)
    radius_px = largest_cloud_px(scene.smoke, view, scene.camera.width, scene.camera.height)
    if np.pi * radius_px**2 >= IN_SIGHT * hits.piece.size:
        found.add(SMOKE)
    if scene.light.dapple is not None:
        found.add(SHADOWS)
    return found


def _near(
    static: npt.NDArray[np.int16],
    inverse_depth: npt.NDArray[np.float64],
    large: npt.NDArray[np.intp],
) -> bool:
    """Return whether one of the pieces that fill enough of the image is near."""
    if not len(static):
        return False
    near = NEAR_FACTOR * float(np.median(inverse_depth))
    return any(np.quantile(inverse_depth[static == each], _FARTHEST) > near for each in large)


def _kinds(geometry: SceneGeometry, piece: int) -> set[str]:
    """Return what a static piece is: water, leaves in the wind, a mirror."""
    surface = geometry.pieces[piece]
    found = {REFLECTION} if surface.material.reflectance > 0 else set()
    ripples = isinstance(surface, PlanarPiece) and surface.ripple is not None
    if surface.material.stir is not None:
        found.add(WATER)
    elif ripples:
        found.add(WATER if _lies(geometry, piece) else LEAVES)
    return found


def _lies(geometry: SceneGeometry, piece: int) -> bool:
    body = geometry.scene.bodies[int(geometry.body_of(np.array(piece, np.int16)))]
    surface = geometry.pieces[piece]
    assert isinstance(surface, PlanarPiece)
    normal = body.trajectory.pose(0.0)[:3, :3] @ np.cross(surface.edge_u, surface.edge_v)
    return bool(abs(normal[1]) >= _LYING * np.linalg.norm(normal))
