"""Worlds along a way: streets, motorways, country roads, bare plains and halls.

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

_LYING = Placement(pitch=np.pi / 2)
_GROUND_M = 900.0  # side of the ground
_SEGMENT_M = 10.0  # of roads and walls that bend
_STILL_LIKE: Mapping[str, float] = {"vehicle": 0.72, "rider": 0.1, "person": 0.18}
_STILL_INDOORS: Mapping[str, float] = {"person": 0.5, "lump": 0.3, "vehicle": 0.1, "animal": 0.1}


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
                lying = _LYING._replace(y=-up_m - 1e-4 * (index % 2))
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
        bodies = [Body((Panel((_GROUND_M, _GROUND_M), look, placement=_LYING),))]
        if chance(rng, 0.9):
            bodies += self.strip(0.0, 2 * half + 1.2, self.surface(log_uniform(rng, 0.4, 3)), 0.005)
        if chance(rng, 0.75):
            paint = self.surface(1.0)
            wide = rng.uniform(0.1, 0.25)
            for aside in (-half, half):
                if chance(rng, 0.7):
                    bodies += self.strip(aside, wide, paint, 0.01)
            if chance(rng, 0.7):
                dash = Panel((wide, rng.uniform(1, 6)), paint, placement=_LYING._replace(y=-0.01))
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


def _sides(rng: Rng, probability: float) -> list[float]:
    """Draw sides of a road, -1 and 1, each with a probability."""
    return [side for side in (-1.0, 1.0) if chance(rng, probability)]


def street(at: Roadside) -> list[Body]:
    """Build a road between kerbs, pavements, parked vehicles, posts, trees and houses."""
    rng, half = at.rng, at.edge_m
    parking = 2.2 if chance(rng, 0.7) else 0.3
    kerb, pave = half + parking, rng.uniform(1.5, 5)
    bodies = [*at.ground(), *at.horizon()]
    slab, stone = at.surface(log_uniform(rng, 0.4, 2)), at.surface(1.0)
    for side in (-1.0, 1.0):
        if chance(rng, 0.8):
            bodies += at.strip(side * (kerb + 0.08), 0.16, stone, 0.0, rng.uniform(0.06, 0.18))
            bodies += at.strip(side * (kerb + 0.16 + pave / 2), pave, slab, rng.uniform(0.02, 0.05))
        if parking > 1:
            gap = log_uniform(rng, 6, 30)
            bodies += at.look_alikes(side * (half + 1.1), gap, _STILL_LIKE)
        if chance(rng, 0.6):
            bodies += at.posts(side * (kerb + 0.5), rng.uniform(6, 30))
        if chance(rng, 0.4):
            bodies += at.trees(side * (kerb + rng.uniform(0.8, 1.8)), rng.uniform(7, 20))
        if chance(rng, 0.75):
            bodies += at.fronts(side * (kerb + pave + rng.uniform(0, 4)))
        else:
            wall = at.look(log_uniform(rng, 0.8, 3), side_px=256)
            bodies += at.strip(side * (kerb + pave + 0.3), 0.3, wall, 0.0, rng.uniform(0.6, 3))
    if chance(rng, 0.5):
        people = {"person": 0.8, "rider": 0.2}
        aside = float(rng.choice([-1, 1])) * (kerb + rng.uniform(0.6, 1.5))
        bodies += at.look_alikes(aside, rng.uniform(8, 40), people)
    return bodies


def motorway(at: Roadside) -> list[Body]:
    """Build a road between guard rails, with gantries, noise barriers and embankments."""
    rng, half = at.rng, at.edge_m
    bodies = [*at.ground(), *at.horizon()]
    rail = at.look(log_uniform(rng, 0.5, 3))
    for side in (-1.0, 1.0):
        beside = side * (half + rng.uniform(0.7, 3))
        if chance(rng, 0.8):
            low = rng.uniform(0.0, 0.5)
            bodies += at.strip(beside, 0.12, rail, low, rng.uniform(0.25, 0.8))
            if low > 0.2:
                post = Panel((0.14, 0.7), rail, placement=Placement(y=-0.35))
                bodies += at.row(beside, 4.0, lambda s, a, p=post: at.stand(s, a, p), 0.1)
        match int(rng.integers(4)):
            case 0:
                wall = at.look(log_uniform(rng, 1, 4), side_px=256)
                bodies += at.strip(beside + side * rng.uniform(1, 6), 0.0, wall, 0.0, 3.5)
            case 1:
                bodies += at.trees(beside + side * rng.uniform(2, 10), rng.uniform(5, 15))
            case 2:
                bodies += at.posts(beside + side * 0.8, rng.uniform(12, 45))
    for along in at.spots(90.0):
        if chance(rng, 0.6):  # a gantry or an overpass
            deep = 0.4 if chance(rng, 0.5) else rng.uniform(3, 9)
            beam = Box((60.0, 1.2, deep), at.look(2.0), Placement(y=-rng.uniform(5.2, 7.5)))
            bodies += at.stand(along, 0.0, beam)
    return bodies


def country_road(at: Roadside) -> list[Body]:
    """Build a road between fields, trees, hedges, fences and poles."""
    rng, half = at.rng, at.edge_m
    bodies = [*at.ground(), *at.horizon()]
    for side in (-1.0, 1.0):
        near = side * (half + rng.uniform(0.9, 3))
        if chance(rng, 0.5):
            bodies += at.trees(near + side * 0.5, rng.uniform(4, 16))
        if chance(rng, 0.5):
            bodies += at.posts(near, rng.uniform(8, 40))
        if chance(rng, 0.4):
            hedge = at.look(log_uniform(rng, 0.5, 2), natural=True, side_px=256)
            high = rng.uniform(0.5, 2.5)
            bodies += at.strip(near + side * 1.5, rng.uniform(0.1, 1.5), hedge, 0.0, high)
        if chance(rng, 0.5):
            bodies += at.trees(near + side * rng.uniform(4, 20), rng.uniform(6, 14))
    if chance(rng, 0.4):
        aside = float(rng.choice([-1, 1])) * (half + 1.8)
        bodies += at.look_alikes(aside, rng.uniform(15, 60), _STILL_LIKE)
    return bodies


def plain(at: Roadside) -> list[Body]:
    """Build open ground with hardly anything on it: snow, sand, a runway or a parking area."""
    rng, half = at.rng, at.edge_m
    bodies = [*at.ground(), *at.horizon()]
    for side in _sides(rng, 0.6):
        aside = side * (half + rng.uniform(1, 12))
        match int(rng.integers(3)):
            case 0:
                bodies += at.trees(aside, rng.uniform(10, 40))
            case 1:
                bodies += at.posts(aside, rng.uniform(10, 40))
            case _:
                bodies += at.look_alikes(aside, rng.uniform(6, 40), _STILL_LIKE)
    return bodies


def hall(at: Roadside) -> list[Body]:
    """Build a floor between walls with doors, pillars, shelves and things that stand about."""
    rng, half = at.rng, at.drive.half_m
    floor = at.surface(log_uniform(rng, 0.2, 2))
    bodies = [Body((Panel((_GROUND_M, _GROUND_M), floor, placement=_LYING),))]
    high = rng.uniform(2.2, 5)
    for side in _sides(rng, 0.8):
        wall = at.look(log_uniform(rng, 0.5, 4), side_px=256)
        bodies += at.strip(side * half, 0.0, wall, 0.0, high)
        door = at.look(log_uniform(rng, 0.5, 2))
        size = (rng.uniform(0.02, 0.3), rng.uniform(0.6, 2.2), rng.uniform(0.6, 1.5))
        box = Box(size, door, Placement(y=-size[1] / 2 - (0.4 if chance(rng, 0.3) else 0.0)))
        beside = side * (half - size[0] / 2)
        bodies += at.row(
            beside, rng.uniform(2, 7), lambda s, a, b=box, c=beside: at.stand(s, c, b), 0.1
        )
    for side in _sides(rng, 0.6):
        look, thick = at.look(log_uniform(rng, 0.3, 2)), rng.uniform(0.06, 0.35)
        pillar: Shape = Cylinder(thick, high, look, Placement(y=-high / 2))
        if chance(rng, 0.5):
            pillar = Box((2 * thick, high, 2 * thick), look, Placement(y=-high / 2))
        aside = side * half * rng.uniform(0.55, 0.95)
        bodies += at.row(
            aside, rng.uniform(1.5, 6), lambda s, a, p=pillar: at.stand(s, a, p), thick + 0.1
        )
    if chance(rng, 0.45):
        bodies += at.strip(0.0, 2 * half, at.look(log_uniform(rng, 0.5, 3)), high)
    if chance(rng, 0.5):
        things = {"lump": 0.8, "person": 0.2}
        aside = float(rng.choice([-1, 1])) * half * rng.uniform(0.5, 0.9)
        bodies += at.look_alikes(aside, rng.uniform(1.5, 6), things)
    bodies += at.look_alikes(half * rng.uniform(-0.9, 0.9), rng.uniform(5, 25), _STILL_INDOORS)
    if chance(rng, 0.6):  # the end
        look = at.look(log_uniform(rng, 0.5, 3), side_px=256)
        end = Panel((60.0, 12.0), look, placement=Placement(y=-6.0))
        bodies += at.stand(at.extent_m[1] - 1.0, 0.0, end)
    return bodies


def tunnel(at: Roadside) -> list[Body]:
    """Build a road through a tube with lamps."""
    rng, half = at.rng, at.edge_m
    wide, high = half + rng.uniform(0.8, 2), rng.uniform(4.5, 7)
    bodies = at.ground()
    wall, roof = at.look(log_uniform(rng, 0.8, 3), side_px=256), at.look(log_uniform(rng, 0.8, 3))
    for side in (-1.0, 1.0):
        bodies += at.strip(side * wide, 0.0, wall, 0.0, high)
    bodies += at.strip(0.0, 2 * wide, roof, high)
    lamp = Box((0.4, 0.15, 1.6), at.look(0.3), Placement(y=-high + 0.1))
    for along in at.spots(rng.uniform(6, 14)):
        bodies += at.stand(along, rng.normal(0, 0.05), lamp)
    return bodies


def bridge(at: Roadside) -> list[Body]:
    """Build a road between parapets below trusses."""
    rng, half = at.rng, at.edge_m
    wide, high = half + rng.uniform(0.5, 1.5), rng.uniform(4.5, 7)
    bodies = [*at.ground(), *at.horizon()]
    steel = at.look(log_uniform(rng, 0.5, 2))
    for side in (-1.0, 1.0):
        bodies += at.strip(side * wide, 0.25, steel, 0.0, rng.uniform(0.7, 1.2))
        bodies += at.strip(side * wide, 0.3, steel, high, 0.4)
        lean = Box((0.15, 1.25 * high, 0.2), steel, Placement(y=-high / 2, pitch=0.6))
        bodies += at.row(side * wide, 0.7 * high, lambda s, a, b=lean: at.stand(s, a, b), 0.1)
    for along in at.spots(9.0):
        beam = Box((2 * wide, 0.3, 0.3), steel, Placement(y=-high - 0.2))
        bodies += at.stand(along, 0.0, beam)
    return bodies


ROADSIDES: dict[str, Callable[[Roadside], list[Body]]] = {
    each.__name__: each for each in (street, motorway, country_road, plain, hall, tunnel, bridge)
}


def build_roadside(rng: Rng, world: str, drive: Drive, courses: list[Course]) -> list[Body]:
    """Build a world of ROADSIDES along a drive."""
    flat = log_uniform(rng, 0.02, 0.3) if world == "plain" or chance(rng, 0.25) else 1.0
    beyond = 25.0 if world == "hall" else 70.0
    return ROADSIDES[world](Roadside(rng, drive, tuple(courses), flat, beyond))
