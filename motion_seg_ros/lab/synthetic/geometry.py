"""Geometry of a scene at one moment, and the nearest surface along pixel rays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.rolling import Bounds
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.synthetic.shadows import ObservedShadow, observe_shadow
from motion_seg_ros.lab.synthetic.surfaces import (
    Intersection,
    ObservedPiece,
    Piece,
    PlanarPiece,
    pieces_of,
)
from motion_seg_ros.lab.synthetic.trajectory import Array, inverse_pose

Window = tuple[slice | npt.NDArray[np.intp], ...]
SKY = -1
# Displacement of a body's farthest corner between two frames below which it stands still; set by
# hand, far below a pixel.
STANDSTILL_M = 1e-4
_VIEWS_KEPT = 64
_IN_THE_GROUND: Array = np.diag([1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Hits:
    """Nearest surfaces along a set of pixel rays; all arrays have the rays' shape.

    Attributes:
        piece: int16 index into `SceneGeometry.pieces`, SKY where nothing is hit.
        inverse_depth: 1 / z in 1/m, 0 for the sky.
        u, v: texture coordinates in [0, 1] over the piece.
        shade: brightness factor.
    """

    piece: npt.NDArray[np.int16]
    inverse_depth: Array
    u: Array
    v: Array
    shade: Array

    @classmethod
    def nothing(cls, shape: tuple[int, ...]) -> Hits:
        """Return hits of the sky alone, to be filled in."""
        inverse_depth, u, v = np.zeros((3, *shape))
        return cls(np.full(shape, SKY, np.int16), inverse_depth, u, v, np.ones(shape))

    def enter(self, window: Window, piece: int, found: Intersection) -> None:
        """Enter one piece for the rays of a window, where it is the nearest so far."""
        _overwrite(self.piece, window, found.hit, np.int16(piece))
        for name in ("inverse_depth", "u", "v", "shade"):
            _overwrite(getattr(self, name), window, found.hit, getattr(found, name))


def _overwrite(
    array: npt.NDArray[Any], window: Window, where: npt.NDArray[np.bool_], new: npt.ArrayLike
) -> None:
    part = array[window]
    np.copyto(part, new, where=where)
    # For slices the part is a view; for indices it is a copy, to be put back.
    array[window] = part


class _PixelGrid:
    """Pixel centres of an image."""

    def __init__(self, width: int, height: int) -> None:
        self.shape: tuple[int, ...] = (height, width)
        self._x = np.arange(width, dtype=np.float64)[None, :]
        self._y = np.arange(height, dtype=np.float64)[:, None]

    def within(self, bounds: Bounds) -> tuple[Window, Array, Array]:
        """Return the window of the pixels within bounds, and their x and y, which broadcast."""
        x0, y0, x1, y1 = np.clip(bounds, -1, max(self.shape) + 1)
        columns = slice(max(0, int(np.floor(x0))), int(np.ceil(x1)) + 1)
        rows = slice(max(0, int(np.floor(y0))), int(np.ceil(y1)) + 1)
        return (rows, columns), self._x[:, columns], self._y[rows]


class _PixelList:
    """Single image points (N, 2), sorted by row."""

    def __init__(self, xy_px: Array) -> None:
        self.shape: tuple[int, ...] = (len(xy_px),)
        self._x, self._y = np.ascontiguousarray(xy_px.T)

    def within(self, bounds: Bounds) -> tuple[Window, Array, Array]:
        """Return the pixels within bounds, as of _PixelGrid."""
        # A little wider than the bounds, which round-off may have made too tight.
        x0, y0, x1, y1 = np.add(bounds, (-1e-6, -1e-6, 1e-6, 1e-6))
        first, last = np.searchsorted(self._y, [y0, y1])
        x = self._x[first:last]
        chosen = first + np.flatnonzero((x >= x0) & (x <= x1))
        return (chosen,), self._x[chosen], self._y[chosen]


@dataclass(frozen=True, eq=False)
class SceneView:
    """Scene at one moment through its camera.

    Attributes:
        time_s: the moment.
        intrinsics: (3, 3) pixels.
        world_to_camera: (4, 4).
        poses_to_camera: (B + 1, 4, 4) body -> camera, in the order of the scene's bodies; last the
            world's, which the sky belongs to.
        observed: (index into `SceneGeometry.pieces`, the piece in camera coordinates), those in
            sight.
        shadows: (index of the body, its shadow), those in sight.
        turned: rotations (2, 3, 3) world -> camera while the first and the last row are read; None
            where the image is read at once.
    """

    time_s: float
    intrinsics: Array
    world_to_camera: Array
    poses_to_camera: Array
    observed: tuple[tuple[int, ObservedPiece], ...]
    shadows: tuple[tuple[int, ObservedShadow], ...]
    turned: Array | None = None

    def cast_grid(self, width: int, height: int) -> Hits:
        """Cast rays through the pixel centres of an image; arrays (height, width)."""
        return self._cast(_PixelGrid(width, height))

    def cast_points(self, xy_px: Array) -> Hits:
        """Cast rays through image points (N, 2), x right, y down, in any order; arrays (N,)."""
        order = np.argsort(xy_px[:, 1], kind="stable")
        found = self._cast(_PixelList(xy_px[order]))
        hits = Hits.nothing(order.shape)
        for name in ("piece", "inverse_depth", "u", "v", "shade"):
            getattr(hits, name)[order] = getattr(found, name)
        return hits

    def _cast(self, pixels: _PixelGrid | _PixelList) -> Hits:
        hits = Hits.nothing(pixels.shape)
        for index, piece in self.observed:
            window, x, y = pixels.within(piece.bounds_px)
            if x.size and y.size:
                hits.enter(window, index, piece.intersect(x, y, hits.inverse_depth[window]))
        for _, shadow in self.shadows:
            window, x, y = pixels.within(shadow.bounds_px)
            if x.size and y.size:
                hits.shade[window] *= shadow.transmission(x, y, hits.inverse_depth[window])
        return hits


class SceneGeometry:
    """Surfaces of a scene, ready to be seen at any moment."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        owned = [(i, piece) for i, body in enumerate(scene.bodies) for piece in pieces_of(body)]
        self.pieces: tuple[Piece, ...] = tuple(piece for _, piece in owned)
        self._body_of_piece = np.array([i for i, _ in owned] + [len(scene.bodies)], np.intp)
        instances = [scene.bodies[i].instance for i, _ in owned] + [0]
        self._instance_of_piece = np.array(instances, np.uint16)
        self._still_poses = [
            body.trajectory.pose(0.0) if body.trajectory.is_still else None for body in scene.bodies
        ]
        self._cached_view = lru_cache(maxsize=_VIEWS_KEPT)(self._new_view)
        self._rippling = [
            (index, piece)
            for index, piece in enumerate(self.pieces)
            if isinstance(piece, PlanarPiece) and piece.ripple is not None
        ]

    def body_of(self, piece: npt.NDArray[np.int16]) -> npt.NDArray[np.intp]:
        """Return the index of each piece's body; the number of bodies for the sky."""
        return np.asarray(self._body_of_piece[piece])

    def instance_of(self, piece: npt.NDArray[np.int16]) -> npt.NDArray[np.uint16]:
        """Return each piece's instance id; 0 for the sky."""
        return np.asarray(self._instance_of_piece[piece])

    def at_rest(self, points: Array, piece: npt.NDArray[np.int16], time_s: float) -> Array:
        """Undo the ripples of points (N, 4) of pieces (N,), body coordinates, at a time."""
        return self._rippled(points, piece, time_s, back=True)

    def moved(self, points: Array, piece: npt.NDArray[np.int16], time_s: float) -> Array:
        """Apply the ripples of a time to points (N, 4) at rest of pieces (N,)."""
        return self._rippled(points, piece, time_s, back=False)

    def _rippled(
        self, points: Array, piece: npt.NDArray[np.int16], time_s: float, back: bool
    ) -> Array:
        points = points.copy()
        for index, each in self._rippling:
            own = piece == index
            if own.any():
                at = points[own, :3] / points[own, 3:]
                points[own, :3] = each.rippled(at, time_s, back=back) * points[own, 3:]
        return points

    def view(self, time_s: float) -> SceneView:
        """Return the scene through its camera at a time in seconds; the latest are cached."""
        return self._cached_view(time_s)

    def poses(self, time_s: float) -> tuple[Array, Array]:
        """Return the intrinsics (3, 3) and the poses to the camera of a time, as of SceneView."""
        view = self._moment(time_s, observing=False)
        return view.intrinsics, view.poses_to_camera

    def mirrored(self, time_s: float) -> SceneView:
        """Return the scene mirrored in the ground plane, without reflecting surfaces."""
        view = self._moment(time_s, _IN_THE_GROUND)
        observed = [
            (index, piece)
            for index, piece in view.observed
            if self.pieces[index].material.reflectance == 0
        ]
        return replace(view, observed=tuple(observed), shadows=())

    def _new_view(self, time_s: float) -> SceneView:
        """Return the scene at a time, or while its image is read around that time."""
        readout, height = self.scene.nuisances.readout_s, self.scene.camera.height
        if readout <= 0:
            return self._moment(time_s)
        first, last = (self._moment(time_s + side * readout / 2) for side in (-1, 1))
        middle = self._moment(time_s, observing=False)
        turned = np.stack([first.world_to_camera, last.world_to_camera])[:, :3, :3]
        return replace(
            middle,
            observed=tuple(_read(dict(first.observed), dict(last.observed), height)),
            shadows=tuple(_read(dict(first.shadows), dict(last.shadows), height)),
            turned=turned,
        )

    def _moment(
        self, time_s: float, mirror: Array | None = None, *, observing: bool = True
    ) -> SceneView:
        camera, light = self.scene.camera, self.scene.light
        intrinsics = camera.matrix(time_s)
        world_to_camera = inverse_pose(camera.trajectory.pose(time_s))
        if mirror is not None:
            world_to_camera = world_to_camera @ mirror
        in_world = [
            body.trajectory.pose(time_s) if pose is None else pose
            for body, pose in zip(self.scene.bodies, self._still_poses, strict=True)
        ]
        to_camera = [world_to_camera @ pose for pose in in_world]
        sun = world_to_camera[:3, :3] @ light.direction
        owner = self._body_of_piece
        pieces = (
            (index, piece.observe(to_camera[owner[index]], intrinsics, sun, light, time_s))
            for index, piece in enumerate(self.pieces if observing else ())
        )
        shadows = (
            (index, observe_shadow(body, pose, world_to_camera, intrinsics, light))
            for index, (body, pose) in enumerate(
                zip(self.scene.bodies, in_world, strict=True) if observing else ()
            )
        )
        return SceneView(
            time_s,
            intrinsics,
            world_to_camera,
            np.array([*to_camera, world_to_camera]),
            tuple((index, piece) for index, piece in pieces if piece is not None),
            tuple((index, shadow) for index, shadow in shadows if shadow is not None),
        )

    def moving_instances(self, index: int) -> frozenset[int]:
        """Return the movers that move in the world at a frame: on the way to it or from it.

        An instance moves where some corner of a box around one of its pieces is displaced by more
        than STANDSTILL_M between this frame and the one before or after, or one of its pieces
        ripples; frames outside the clip do not count.
        """
        scene = self.scene
        around = [i for i in (index - 1, index + 1) if 0 <= i < scene.frames]
        moving = set()
        for piece, owner in zip(self.pieces, self._body_of_piece, strict=False):
            body = scene.bodies[owner]
            if body.instance == 0 or body.instance in moving:
                continue
            if isinstance(piece, PlanarPiece) and piece.ripple is not None:
                moving.add(body.instance)
                continue
            corners = np.c_[piece.corners, np.ones(len(piece.corners))].T
            here = body.trajectory.pose(scene.time_s(index)) @ corners
            for other in around:
                there = body.trajectory.pose(scene.time_s(other)) @ corners
                if np.linalg.norm(there - here, axis=0).max() > STANDSTILL_M:
                    moving.add(body.instance)
        return frozenset(moving)


def _read(first: dict[int, Any], last: dict[int, Any], height: int) -> Iterator[tuple[int, Any]]:
    """Generate what a rolling shutter sees of things in sight at its first row or its last."""
    for index in sorted({**first, **last}):
        if index in first and index in last:
            yield index, first[index].until(last[index], height)
        else:
            yield index, first.get(index, last.get(index))
