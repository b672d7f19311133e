"""The geometry of a scene at one moment, and the nearest surface along pixel rays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motion_seg_ros.synthetic.scene import Scene
from motion_seg_ros.synthetic.surfaces import ObservedPiece, Piece, Reals, pieces_of
from motion_seg_ros.synthetic.trajectory import Array, inverse_pose

SKY = -1
# A body whose farthest corner moves less than this between two frames stands still; far below a
# pixel.
STANDSTILL_M = 1e-4


@dataclass(frozen=True, eq=False)
class Hits:
    """What a set of pixel rays meets; all arrays have the rays' shape.

    Attributes:
        piece: int16 index into `SceneGeometry.pieces`, SKY where nothing is met.
        inverse_depth: 1 / z in 1/m, 0 for the sky.
        u, v: texture coordinates in [0, 1] over the piece.
        shade: brightness factor.
    """

    piece: npt.NDArray[np.int16]
    inverse_depth: Reals
    u: Reals
    v: Reals
    shade: Reals

    @classmethod
    def nothing(cls, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Hits:
        """Only sky, for rays of a shape, to be filled in."""
        sky = np.full(shape, SKY, np.int16)
        inverse_depth, u, v = np.zeros((3, *shape), dtype)
        return cls(sky, inverse_depth, u, v, np.ones(shape, dtype))


@dataclass(frozen=True, eq=False)
class View:
    """A scene at one moment as its camera sees it.

    Attributes:
        intrinsics: (3, 3) pixels.
        world_to_camera: (4, 4).
        poses_to_camera: (B + 1, 4, 4) body -> camera, in the order of the scene's bodies; last the
            world's, where the sky hangs.
        observed: (index into `SceneGeometry.pieces`, the piece in camera coordinates), those in
            sight.
    """

    intrinsics: Array
    world_to_camera: Array
    poses_to_camera: Array
    observed: tuple[tuple[int, ObservedPiece], ...]

    def cast_grid(self, width: int, height: int, dtype: npt.DTypeLike = np.float32) -> Hits:
        """What the centres of a width x height image's pixels see; arrays (height, width)."""
        hits = Hits.nothing((height, width), dtype)
        columns, rows = (
            np.arange(width, dtype=dtype)[None, :],
            np.arange(height, dtype=dtype)[:, None],
        )
        for index, piece in self.observed:
            x0, y0, x1, y1 = np.clip(piece.bounds_px, -1e6, 1e6)
            window = (
                slice(max(0, int(np.floor(y0))), max(0, int(np.ceil(y1)) + 1)),
                slice(max(0, int(np.floor(x0))), max(0, int(np.ceil(x1)) + 1)),
            )
            x, y = columns[:, window[1]], rows[window[0]]
            if x.size and y.size:
                _cast_one(index, piece, x, y, hits, window)
        return hits

    def cast_points(self, xy_px: Array) -> Hits:
        """What single image points (N, 2) see, x right, y down, in any order; arrays (N,)."""
        order = np.argsort(xy_px[:, 1], kind="stable")
        x, y = xy_px[order, 0], xy_px[order, 1]
        hits = Hits.nothing((len(order),), np.float64)
        for index, piece in self.observed:
            _, y0, _, y1 = piece.bounds_px
            # Points sorted by row: those that can see the piece are a slice, and slices are views.
            window = (slice(*np.searchsorted(y, [y0 - 1e-6, y1 + 1e-6])),)
            if window[0].start < window[0].stop:
                _cast_one(index, piece, x[window], y[window], hits, window)
        restore = np.empty_like(order)
        restore[order] = np.arange(len(order))
        return Hits(
            hits.piece[restore],
            hits.inverse_depth[restore],
            hits.u[restore],
            hits.v[restore],
            hits.shade[restore],
        )


def _cast_one(
    index: int, piece: ObservedPiece, x: Reals, y: Reals, hits: Hits, window: tuple[slice, ...]
) -> None:
    """Enter what rays see of one piece into the hits, where it is the nearest so far."""
    found = piece.intersect(x, y, hits.inverse_depth[window])
    np.copyto(hits.inverse_depth[window], found.inverse_depth, where=found.hit, casting="same_kind")
    np.copyto(hits.piece[window], index, where=found.hit)
    np.copyto(hits.u[window], found.u, where=found.hit, casting="same_kind")
    np.copyto(hits.v[window], found.v, where=found.hit, casting="same_kind")
    np.copyto(hits.shade[window], found.shade, where=found.hit, casting="same_kind")


class SceneGeometry:
    """The surfaces of a scene, ready to be seen at any moment."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        owned = [(i, piece) for i, body in enumerate(scene.bodies) for piece in pieces_of(body)]
        self.pieces: tuple[Piece, ...] = tuple(piece for _, piece in owned)
        self._body_of_piece = np.array([i for i, _ in owned] + [len(scene.bodies)], np.intp)
        instances = [scene.bodies[i].instance for i, _ in owned] + [0]
        self._instance_of_piece = np.array(instances, np.uint16)

    def body_of(self, piece: npt.NDArray[np.int16]) -> npt.NDArray[np.intp]:
        """Index of the body each piece belongs to; the number of bodies for the sky."""
        return np.asarray(self._body_of_piece[piece])

    def instance_of(self, piece: npt.NDArray[np.int16]) -> npt.NDArray[np.uint16]:
        """Instance id each piece belongs to; 0 for the sky."""
        return np.asarray(self._instance_of_piece[piece])

    def view(self, time_s: float) -> View:
        """The scene as its camera sees it at a time in seconds."""
        camera, light = self.scene.camera, self.scene.light
        intrinsics = camera.matrix(time_s)
        world_to_camera = inverse_pose(camera.trajectory.pose(time_s))
        bodies = [world_to_camera @ body.trajectory.pose(time_s) for body in self.scene.bodies]
        towards = world_to_camera[:3, :3] @ np.array(light.towards)
        sun = towards / np.linalg.norm(towards)
        observed = []
        for index, piece in enumerate(self.pieces):
            pose = bodies[self._body_of_piece[index]]
            seen = piece.observe(pose, intrinsics, sun, light)
            if seen is not None:
                observed.append((index, seen))
        return View(
            intrinsics, world_to_camera, np.array([*bodies, world_to_camera]), tuple(observed)
        )

    def moving_instances(self, index: int) -> frozenset[int]:
        """Movers that move in the world at a frame: on the way to it or from it.

        An instance moves where some corner of a box around one of its pieces is displaced by more
        than 0.1 mm between this frame and the one before or after; frames outside the clip do not
        count.
        """
        scene = self.scene
        around = [i for i in (index - 1, index + 1) if 0 <= i < scene.frames]
        moving = set()
        for piece, owner in zip(self.pieces, self._body_of_piece, strict=False):
            body = scene.bodies[owner]
            if body.instance == 0 or body.instance in moving:
                continue
            corners = np.c_[piece.corners, np.ones(len(piece.corners))].T
            here = body.trajectory.pose(scene.time_s(index)) @ corners
            for other in around:
                there = body.trajectory.pose(scene.time_s(other)) @ corners
                if np.linalg.norm(there - here, axis=0).max() > STANDSTILL_M:
                    moving.add(body.instance)
        return frozenset(moving)
