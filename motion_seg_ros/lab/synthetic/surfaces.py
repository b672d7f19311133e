"""Smooth surface pieces and their exact intersection with pixel rays.

Every shape is broken into planar and round pieces, in the body's coordinates, once. For a moment in
time each piece is expressed in camera coordinates ("observed") and intersected with the rays of any
set of pixels: hits in front of the nearest hit so far, their inverse depth and texture coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from motion_seg_ros.lab.synthetic.outlines import inside_outline
from motion_seg_ros.lab.synthetic.photograph import CutOut
from motion_seg_ros.lab.synthetic.rolling import Bounds, Rolling, linear, union
from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Cylinder,
    Ellipsoid,
    Light,
    Material,
    Outline,
    Panel,
    Ripple,
    Shape,
)

Array = npt.NDArray[np.float64]
NEAR_M = 0.05
EVERYWHERE = (-np.inf, -np.inf, np.inf, np.inf)


class Intersection(NamedTuple):
    """Intersections of pixel rays with one piece; arrays of the rays' common shape.

    Attributes:
        hit: bool, the ray meets the piece in front of the nearest hit so far.
        inverse_depth: 1 / z in 1/m; meaningful where `hit`, like the rest.
        u, v: texture coordinates in [0, 1] over the piece.
        shade: brightness factor of the light.
    """

    hit: npt.NDArray[np.bool_]
    inverse_depth: Array
    u: Array
    v: Array
    shade: Array | float


@dataclass(frozen=True, eq=False)
class PlanarPiece:
    """Parallelogram corner + u edge_u + v edge_v with u, v in [0, 1], cut along an outline.

    Attributes:
        corner, edge_u, edge_v: (3,) body coordinates.
        material: its appearance.
        outline: the cut.
        one_sided: visible only from where edge_u turns clockwise into edge_v (the outside of a
            solid).
        closed: the u axis runs around the piece and meets itself.
        ripple: waves that run over it.
    """

    corner: Array
    edge_u: Array
    edge_v: Array
    material: Material
    outline: Outline | CutOut = "rectangle"
    one_sided: bool = False
    closed: bool = False
    ripple: Ripple | None = None

    @property
    def extent_m(self) -> tuple[float, float]:
        """Length along u and v, metres."""
        return float(np.linalg.norm(self.edge_u)), float(np.linalg.norm(self.edge_v))

    @cached_property
    def _frame(self) -> Array:
        """Columns edge_u, edge_v, corner (3, 3)."""
        return np.stack([self.edge_u, self.edge_v, self.corner], axis=1)

    @cached_property
    def _area(self) -> float:
        return float(np.linalg.norm(np.cross(self.edge_u, self.edge_v)))

    @cached_property
    def corners(self) -> Array:
        """Corners (4, 3) of the piece, ripples included, body coordinates."""
        uv: Array = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        if self.ripple is not None:
            uv = uv + (2 * uv - 1) * np.abs(np.array(self.ripple.amplitude))
        return np.asarray(self.corner + uv @ np.stack([self.edge_u, self.edge_v]))

    def rippled(self, points: Array, time_s: float, *, back: bool) -> Array:
        """Apply the ripple of a time to points (N, 3), body coordinates, or undo it (`back`)."""
        if self.ripple is None:
            return points
        edges = np.stack([self.edge_u, self.edge_v])
        uv = (points - self.corner) @ np.linalg.pinv(edges)
        shift = self.ripple.at_rest if back else self.ripple.moved
        return np.asarray(self.corner + np.stack(shift(uv[:, 0], uv[:, 1], time_s), axis=1) @ edges)

    def observe(
        self, pose: Array, intrinsics: Array, sun: Array, light: Light, time_s: float
    ) -> ObservedPlane | None:
        """Express the piece in camera coordinates; None where it cannot be seen.

        Args:
            pose: (4, 4) body -> camera, affine.
            intrinsics: (3, 3) pixels.
            sun: (3,) unit direction to the sun, camera axes.
            light: brightness of sun and sky.
            time_s: the moment, for ripples.
        """
        rotation = pose[:3, :3]
        frame = rotation @ self._frame
        frame[:, 2] += pose[:3, 3]
        # Six times the signed volume between the piece and the camera's centre: 0 edge-on, where it
        # covers no pixel.
        volume = float(np.linalg.det(frame))
        if abs(volume) < 1e-12 * self._area:
            return None
        if self.one_sided and volume * np.linalg.det(rotation) < 0:  # a mirror turns both
            return None
        corners = self.corners @ rotation.T + pose[:3, 3]
        bounds = _image_bounds(_clip_near(corners), intrinsics)
        if bounds is None:
            return None
        into_frame = np.asarray(np.linalg.inv(frame), np.float64)
        # Its last row is the normal away from the camera over the plane's distance.
        distance = 1 / float(np.linalg.norm(into_frame[2]))
        shade = light.ambient + light.direct * max(0.0, -distance * float(into_frame[2] @ sun))
        # frame @ (u, v, 1) = z * ray, so (u, v, 1) / z is affine in the pixel.
        rows = into_frame @ np.linalg.inv(intrinsics)
        ripple = None if self.ripple is None else partial(self.ripple.at_rest, time_s=time_s)
        return ObservedPlane(bounds, distance, rows, shade, self.outline, ripple)


@dataclass(frozen=True, eq=False)
class ObservedPlane:
    """Planar piece in camera coordinates.

    Attributes:
        bounds_px: x0, y0, x1, y1 of a box that contains its image.
        distance_m: of its plane from the camera's centre.
        rows: (3, 3); rows @ (x, y, 1) is (u, v, 1) / z.
        shade: brightness factor of the light.
        outline: the cut.
        at_rest: undoes the ripple; None where there is none.
        rolling: change of `rows` while the image is read; None: it is read at once.
    """

    bounds_px: Bounds
    distance_m: float
    rows: Array
    shade: float
    outline: Outline | CutOut
    at_rest: Callable[[Array, Array], tuple[Array, Array]] | None = None
    rolling: Rolling | None = None

    def until(self, last: ObservedPlane, height: int) -> ObservedPlane:
        """Return the plane whose image rows are read from now until it is as `last`."""
        change = Rolling(last.rows - self.rows, height)
        bounds = union(self.bounds_px, last.bounds_px)
        return replace(self, bounds_px=bounds, rolling=change)

    def coordinates(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """Return u, v and inverse depth of the whole plane, beyond the piece too, at pixels."""
        row_u, row_v, row_w = linear(self.rows, self.rolling, x, y)
        with np.errstate(divide="ignore", invalid="ignore"):
            return row_u / row_w, row_v / row_w, row_w

    def intersect(self, x: Array, y: Array, nearest: Array) -> Intersection:
        """Intersect the rays of pixels (x, y), which broadcast, before the nearest hits so far."""
        u, v, inverse_depth = self.coordinates(x, y)
        hit = (inverse_depth > nearest) & (inverse_depth < 1 / NEAR_M)
        if self.at_rest is not None:
            with np.errstate(invalid="ignore"):
                u, v = self.at_rest(u, v)
        hit &= (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
        if self.outline != "rectangle":
            hit &= inside_outline(self.outline, u, v)
        return Intersection(hit, inverse_depth, u, v, self.shade)


@dataclass(frozen=True, eq=False)
class RoundPiece:
    """Ellipsoid, or the side of a cylinder.

    Attributes:
        frame: (4, 4) canonical coordinates -> body. Canonical is the unit sphere, or x^2 + z^2 = 1
            with |y| <= 1.
        material: its appearance.
        cylinder: True for the side of a cylinder.
        extent_m: around the equator, and from pole to pole.
        closed: the u axis runs around the piece and meets itself.
    """

    frame: Array
    material: Material
    cylinder: bool
    extent_m: tuple[float, float]
    closed: bool = True

    @cached_property
    def corners(self) -> Array:
        """Corners (8, 3) of a box around the piece, body coordinates."""
        signs = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
        return np.asarray(signs @ self.frame[:3, :3].T + self.frame[:3, 3])

    def observe(
        self, pose: Array, intrinsics: Array, sun: Array, light: Light, time_s: float
    ) -> ObservedRound | None:
        """Express the piece in camera coordinates, as of PlanarPiece."""
        frame = pose @ self.frame
        corners = self.corners @ pose[:3, :3].T + pose[:3, 3]
        if (corners[:, 2] < NEAR_M).all():
            return None
        bounds: Bounds | None = EVERYWHERE
        if (corners[:, 2] > NEAR_M).all():
            bounds = _image_bounds(corners, intrinsics)
        if bounds is None:
            return None
        into_canonical = np.asarray(np.linalg.inv(frame), np.float64)
        origin = into_canonical[:3, 3].copy()
        axes = [0, 2] if self.cylinder else [0, 1, 2]
        if origin[axes] @ origin[axes] <= 1:
            return None  # from inside, or along the axis, only the caps of a cylinder show
        rays = np.asarray(into_canonical[:3, :3] @ np.linalg.inv(intrinsics), np.float64)
        return ObservedRound(bounds, into_canonical, rays, sun, light, self.cylinder)


@dataclass(frozen=True, eq=False)
class ObservedRound:
    """Round piece in camera coordinates; attributes as of ObservedPlane.

    Attributes:
        into_canonical: (4, 4) camera -> canonical coordinates.
        rays: (3, 3) pixel -> direction in canonical coordinates.
        sun: (3,) unit direction to the sun, camera axes.
        rolling: change of `rays` while the image is read; None: it is read at once.
        origin_change: (3,) of the camera's centre in canonical coordinates.
    """

    bounds_px: Bounds
    into_canonical: Array
    rays: Array
    sun: Array
    light: Light
    cylinder: bool
    distance_m: None = None
    rolling: Rolling | None = None
    origin_change: Array | None = None

    def until(self, last: ObservedRound, height: int) -> ObservedRound:
        """Return the piece whose image rows are read from now until it is as `last`."""
        return replace(
            self,
            bounds_px=union(self.bounds_px, last.bounds_px),
            rolling=Rolling(last.rays - self.rays, height),
            origin_change=last.into_canonical[:3, 3] - self.into_canonical[:3, 3],
        )

    def intersect(self, x: Array, y: Array, nearest: Array) -> Intersection:
        """Intersect pixel rays, as of ObservedPlane."""
        origin: Array | list[Array] = self.into_canonical[:3, 3]
        if self.rolling is not None and self.origin_change is not None:
            share = self.rolling.share(y)
            origin = [
                start + share * change
                for start, change in zip(origin, self.origin_change, strict=True)
            ]
        ray_x, ray_y, ray_z = linear(self.rays, self.rolling, x, y)
        a = ray_x * ray_x + ray_z * ray_z
        b = origin[0] * ray_x + origin[2] * ray_z
        c = origin[0] ** 2 + origin[2] ** 2 - 1
        if not self.cylinder:
            a, b, c = a + ray_y * ray_y, b + origin[1] * ray_y, c + origin[1] ** 2
        discriminant = b * b - a * c
        # z = c / (root - b) is the nearer solution of a z^2 + 2 b z + c = 0.
        inverse_depth = (np.sqrt(np.maximum(discriminant, 0)) - b) / c
        hit = (discriminant >= 0) & (inverse_depth > nearest) & (inverse_depth < 1 / NEAR_M)
        depth = 1 / np.where(hit, inverse_depth, 1.0)
        p_x, p_y, p_z = (o + depth * r for o, r in zip(origin, (ray_x, ray_y, ray_z), strict=True))
        u = np.arctan2(p_x, p_z) / (2 * np.pi) + 0.5
        if self.cylinder:
            hit &= np.abs(p_y) <= 1
            return Intersection(
                hit, inverse_depth, u, (p_y + 1) / 2, self._shade(p_x, 0 * p_y, p_z)
            )
        v = np.arccos(np.clip(-p_y, -1, 1)) / np.pi
        return Intersection(hit, inverse_depth, u, v, self._shade(p_x, p_y, p_z))

    def _shade(self, p_x: Array, p_y: Array, p_z: Array) -> Array:
        """Return the brightness at canonical points; the normal is the gradient of the implicit
        surface."""
        linear = self.into_canonical[:3, :3]
        n_x, n_y, n_z = (column[0] * p_x + column[1] * p_y + column[2] * p_z for column in linear.T)
        towards = n_x * self.sun[0] + n_y * self.sun[1] + n_z * self.sun[2]
        length = np.sqrt(n_x * n_x + n_y * n_y + n_z * n_z) + 1e-12
        return np.asarray(self.light.ambient + self.light.direct * np.maximum(0, towards / length))


Piece = PlanarPiece | RoundPiece
ObservedPiece = ObservedPlane | ObservedRound


def _clip_near(polygon: Array) -> Array:
    """Return the part (M, 3) of a convex polygon (N, 3) in front of the near plane."""
    if (polygon[:, 2] >= NEAR_M).all():
        return polygon
    kept: list[Array] = []
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        if start[2] >= NEAR_M:
            kept.append(start)
        if (start[2] >= NEAR_M) != (end[2] >= NEAR_M):
            share = (NEAR_M - start[2]) / (end[2] - start[2])
            kept.append(start + share * (end - start))
    return np.array(kept).reshape(-1, 3)


def _image_bounds(points: Array, intrinsics: Array) -> Bounds | None:
    """Return the bounding box in pixels of points (N, 3) in front of the camera; None if out of
    sight.

    The image ends as far right and below of the principal point as it begins left and above.
    """
    if len(points) == 0:
        return None
    image = points @ intrinsics.T
    xy = image[:, :2] / image[:, 2:]
    (x0, y0), (x1, y1) = xy.min(axis=0), xy.max(axis=0)
    right, bottom = 2 * intrinsics[:2, 2] + 1
    if x1 < -1 or y1 < -1 or x0 > right or y0 > bottom:
        return None
    return float(x0), float(y0), float(x1), float(y1)


def pieces_of(body: Body) -> list[Piece]:
    """Return all pieces of a body, in its coordinates."""
    return [piece for shape in body.shapes for piece in _pieces_of_shape(shape)]


def _pieces_of_shape(shape: Shape) -> list[Piece]:
    pose = shape.placement.matrix()
    match shape:
        case Panel(size_m=(width, height)):
            flat = _rectangle(
                pose, (0, 0, 0), (width, 0, 0), (0, height, 0), shape.material, shape.outline
            )
            return [replace(flat, ripple=shape.ripple)]
        case Box(size_m=(width, height, depth)):
            right, down, away = (width, 0, 0), (0, height, 0), (0, 0, depth)
            left, near = (-width, 0, 0), (0, 0, -depth)
            faces = [
                ((0, 0, -depth / 2), right, down),
                ((0, 0, depth / 2), left, down),
                ((width / 2, 0, 0), away, down),
                ((-width / 2, 0, 0), near, down),
                ((0, -height / 2, 0), right, near),
                ((0, height / 2, 0), right, away),
            ]
            return [_rectangle(pose, *face, shape.material, one_sided=True) for face in faces]
        case Ellipsoid(radii_m=(r_x, r_y, r_z)):
            frame = pose @ np.diag([r_x, r_y, r_z, 1.0])
            extent = (2 * np.pi * max(r_x, r_z), np.pi * r_y)
            return [RoundPiece(frame, shape.material, False, extent)]
        case Cylinder(radius_m=radius, height_m=height):
            frame = pose @ np.diag([radius, height / 2, radius, 1.0])
            side = RoundPiece(frame, shape.material, True, (2 * np.pi * radius, height))
            right, near, away = (2 * radius, 0, 0), (0, 0, -2 * radius), (0, 0, 2 * radius)
            top = _rectangle(
                pose, (0, -height / 2, 0), right, near, shape.material, "ellipse", one_sided=True
            )
            base = _rectangle(
                pose, (0, height / 2, 0), right, away, shape.material, "ellipse", one_sided=True
            )
            return [side, top, base]


def _rectangle(
    pose: Array,
    centre: tuple[float, float, float],
    edge_u: tuple[float, float, float],
    edge_v: tuple[float, float, float],
    material: Material,
    outline: Outline | CutOut = "rectangle",
    one_sided: bool = False,
) -> PlanarPiece:
    """Make a planar piece from its centre and edges in the shape's coordinates."""
    turned_u, turned_v = pose[:3, :3] @ np.array(edge_u), pose[:3, :3] @ np.array(edge_v)
    corner = pose[:3, :3] @ np.array(centre) + pose[:3, 3] - (turned_u + turned_v) / 2
    return PlanarPiece(corner, turned_u, turned_v, material, outline, one_sided)
