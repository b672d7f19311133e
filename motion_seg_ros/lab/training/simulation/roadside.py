"""Builder of the static things along a way: roads, walls, rows of posts, trees and houses.

All sizes, spacings and shares were set by hand, in metres.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Cylinder,
    Ellipsoid,
    Material,
    Outline,
    Panel,
    Shape,
)
from motion_seg_ros.lab.synthetic.trajectory import Placement, Trajectory
from motion_seg_ros.lab.training.simulation.drives import Drive
from motion_seg_ros.lab.training.simulation.materials import material
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance, log_uniform, pick
from motion_seg_ros.lab.training.simulation.traffic import Course, parked

LYING = Placement(pitch=np.pi / 2)
GROUND_M = 900.0  # side of the ground
_SEGMENT_M = 10.0  # of roads and walls that bend


@dataclass(frozen=True, eq=False)
class Roadside:
    """Builds static things along a drive.

    Attributes:
        rng: source of randomness.
        drive: the camera's.
        courses: of the movers, which nothing may stand in the way of.
        flat: factor on the contrast of what lies on the ground.
        beyond_m: how far beyond the camera's last position the world reaches.
    """

    rng: Rng
    drive: Drive
    courses: tuple[Course, ...]
    flat: float
    beyond_m: float

    @property
    def extent_m(self) -> tuple[float, float]:
        """Return where along the way the world begins and ends."""
        along = self.drive.along_m
        return float(along.min()) - 4.0, float(along.max()) + self.beyond_m

    @property
    def edge_m(self) -> float:
        """Return how far from the middle of the way nothing stands: on the road, or where the
        camera goes."""
        return max(self.drive.half_m, abs(self.drive.lane_m) + 0.7)

    def look(self, tile_m: float, *, natural: bool = False, side_px: int = 128) -> Material:
        """Draw a material."""
        return material(self.rng, tile_m, natural=natural, side_px=side_px)

    def surface(self, tile_m: float) -> Material:
        """Draw a material of the ground."""
        return material(self.rng, tile_m, natural=True, side_px=256, contrast=self.flat)

    def stand(self, along_m: float, aside_m: float, *shapes: Shape, yaw: float = 0.0) -> list[Body]:
        """Build a body that stands on the ground; its z axis runs along the way."""
        return [Body(shapes, Trajectory.still(self.drive.way.place(along_m, aside_m, yaw)))]

    def is_free(self, along_m: float, aside_m: float, radius_m: float) -> bool:
        """Return True if something of a radius stands in nobody's way."""
        at = self.drive.way.position(np.array(along_m), np.array(aside_m))
        gaps = [np.linalg.norm(self.drive.feet_m - at, axis=1).min() - 0.5]
        for course in self.courses:
            gaps.append(np.linalg.norm(course.position_m - at, axis=1).min() - course.radius_m)
        return bool(min(gaps) > radius_m)

    def spots(self, spacing_m: float) -> Iterator[float]:
        """Yield distances along the way, about evenly spaced."""
        first, last = self.extent_m
        along = first + spacing_m * self.rng.random()
        while along < last:
            yield along
            along += spacing_m * self.rng.uniform(0.7, 1.3)

    def strip(
        self, aside_m: float, width_m: float, look: Material, up_m: float, high_m: float = 0.0
    ) -> list[Body]:
        """Build something that runs along the whole way: a flat strip, or a wall of some height.

        Args:
            aside_m: of its middle.
            width_m: of a flat strip; thickness of a wall, 0 for a sheet.
            look: its material.
            up_m: height of its lower edge above the ground.
            high_m: height of a wall; 0: a strip.
        """
        first, last = self.extent_m
        if self.drive.way.bend == 0:
            first, last = first - 20, last + 120
            ends = [first, last]
        else:
            ends = np.linspace(first, last, int(np.ceil((last - first) / _SEGMENT_M)) + 1).tolist()
        bodies = []
        for index, (start, end) in enumerate(itertools.pairwise(ends)):
            stretch = 1 + abs(self.drive.way.bend * aside_m)
            length = (end - start) * stretch
            shape: Shape
            if high_m == 0:
                # Overlapping segments do not lie in one plane.
                lying = LYING._replace(y=-up_m - 1e-4 * (index % 2))
                shape = Panel((width_m, length), look, placement=lying)
            elif width_m == 0:
                at = Placement(y=-up_m - high_m / 2, yaw=np.pi / 2)
                shape = Panel((length, high_m), look, placement=at)
            else:
                size = (width_m, high_m, length)
                shape = Box(size, look, Placement(y=-up_m - high_m / 2))
            bodies += self.stand((start + end) / 2, aside_m, shape)
        return bodies

    def row(
        self,
        aside_m: float,
        spacing_m: float,
        build: Callable[[float, float], list[Body]],
        radius_m: float,
        most: int = 12,
    ) -> list[Body]:
        """Build up to `most` things, one after the other, where they are in nobody's way; `build`
        takes their distances along and aside."""
        found: list[list[Body]] = []
        for along in self.spots(spacing_m):
            aside = aside_m + self.rng.normal(0, 0.1)
            if len(found) < most and self.is_free(along, aside, radius_m):
                found.append(build(along, aside))
        return [body for bodies in found for body in bodies]

    def copies(
        self,
        aside_m: float,
        spacing_m: float,
        radius_m: float,
        shape: Shape,
        *,
        in_line: bool = False,
    ) -> list[Body]:
        """Build a row of copies of one shape; `in_line`: exactly at their distance aside."""

        def build(along: float, aside: float) -> list[Body]:
            return self.stand(along, aside_m if in_line else aside, shape)

        return self.row(aside_m, spacing_m, build, radius_m)

    def look_alikes(
        self, aside_m: float, spacing_m: float, kinds: Mapping[str, float]
    ) -> list[Body]:
        """Build a row of parked vehicles and standing people."""

        def build(along: float, aside: float) -> list[Body]:
            return parked(self.rng, self.drive, pick(self.rng, kinds), along, aside)

        return self.row(aside_m, spacing_m, build, 1.2, 6)

    def trees(self, aside_m: float, spacing_m: float) -> list[Body]:
        """Build a row of trees, bushes or bare poles."""
        rng = self.rng
        bark, leaves = self.look(0.5, natural=True), self.look(rng.uniform(0.4, 1.5), natural=True)
        kind = int(rng.integers(3))
        tall, thick = rng.uniform(2.0, 7.0), log_uniform(rng, 0.04, 0.25)

        def build(along: float, aside: float) -> list[Body]:
            high = tall * rng.uniform(0.8, 1.25)
            trunk = Cylinder(thick, high, bark, Placement(y=-high / 2))
            if kind == 0:
                return self.stand(along, aside, trunk)
            wide = high * rng.uniform(0.2, 0.4)
            if kind == 1:
                crown = Ellipsoid((wide, wide, wide), leaves, Placement(y=-high))
                return self.stand(along, aside, trunk, crown)
            outlines: tuple[Outline, ...] = ("bush", "ellipse")
            outline = outlines[int(rng.integers(2))]
            bush = Panel((2 * wide, high), leaves, outline, Placement(y=-high / 2))
            return self.stand(along, aside, bush, yaw=rng.normal(0, 0.4))

        return self.row(aside_m, spacing_m, build, thick + 0.2)

    def posts(self, aside_m: float, spacing_m: float) -> list[Body]:
        """Build a row of lamp posts, signs or bollards."""
        rng, side = self.rng, -float(np.sign(aside_m))
        look, other = self.look(0.6), self.look(0.4)
        tall, thick = log_uniform(rng, 0.7, 9), log_uniform(rng, 0.03, 0.15)
        head: Shape | None = None
        if tall > 4:
            wide = rng.uniform(0.8, 2.5)
            head = Box((wide, 0.12, 0.25), look, Placement(x=side * wide / 2, y=-tall))
        elif chance(rng, 0.4):
            head = Panel((0.7, 0.7), other, placement=Placement(y=-tall))

        def build(along: float, aside: float) -> list[Body]:
            post = Cylinder(thick, tall, look, Placement(y=-tall / 2))
            return self.stand(along, aside, post, *([head] if head is not None else []))

        return self.row(aside_m, spacing_m, build, 0.3)

    def fronts(self, aside_m: float) -> list[Body]:
        """Build a row of houses whose fronts are at a distance aside."""
        rng, side = self.rng, float(np.sign(aside_m))
        looks = [self.look(log_uniform(rng, 1.5, 5), side_px=256) for _ in range(3)]
        wide, high = rng.uniform(7, 22), rng.uniform(3, 14)
        gap = 0.0 if chance(rng, 0.6) else rng.uniform(0.5, 5)
        bodies, (along, last) = [], self.extent_m
        while along < last:
            size = (8.0, high * rng.uniform(0.8, 1.2), wide * rng.uniform(0.7, 1.3))
            aside = aside_m + side * (4.0 + abs(rng.normal(0, 0.3)))
            house = Box(size, looks[int(rng.integers(3))], Placement(y=-size[1] / 2))
            bodies += self.stand(along + size[2] / 2, aside, house)
            along += size[2] + gap
        return bodies

    def ground(self) -> list[Body]:
        """Build the ground and the road on it, with markings."""
        rng, half = self.rng, self.drive.half_m
        look = self.surface(log_uniform(rng, 0.5, 4))
        bodies = [Body((Panel((GROUND_M, GROUND_M), look, placement=LYING),))]
        if chance(rng, 0.9):
            bodies += self.strip(0.0, 2 * half + 1.2, self.surface(log_uniform(rng, 0.4, 3)), 0.005)
        if chance(rng, 0.75):
            paint = self.surface(1.0)
            wide = rng.uniform(0.1, 0.25)
            for aside in (-half, half):
                if chance(rng, 0.7):
                    bodies += self.strip(aside, wide, paint, 0.01)
            if chance(rng, 0.7):
                dash = Panel((wide, rng.uniform(1, 6)), paint, placement=LYING._replace(y=-0.01))
                for along in self.spots(rng.uniform(5, 14)):
                    bodies += self.stand(along, 0.0, dash)
            else:
                bodies += self.strip(0.0, wide, paint, 0.01)
        return bodies

    def horizon(self) -> list[Body]:
        """Build hills or towers far away."""
        rng, bodies = self.rng, []
        look = self.look(30.0, side_px=256)
        for _ in range(int(rng.integers(0, 7))):
            angle, far = rng.uniform(-1.3, 1.3), rng.uniform(180, 400)
            wide, high = far * rng.uniform(0.1, 0.4), far * rng.uniform(0.03, 0.2)
            at = Placement(far * float(np.sin(angle)), 0.0, far * float(np.cos(angle)))
            hill: Shape = Ellipsoid((wide, high, wide / 2), look)
            if chance(rng, 0.3):
                hill = Box((wide / 3, 2 * high, wide / 3), look)
            bodies.append(Body((hill,), Trajectory.still(at)))
        return bodies
