"""Worlds along a way: streets, motorways, country roads, bare plains and halls.

All sizes, spacings and shares were set by hand, in metres.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Cylinder,
    Panel,
    Shape,
)
from motion_seg_ros.lab.synthetic.trajectory import Placement
from motion_seg_ros.lab.training.simulation.drives import Drive
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance, log_uniform
from motion_seg_ros.lab.training.simulation.roadside import GROUND_M, LYING, Roadside
from motion_seg_ros.lab.training.simulation.traffic import Course

_STILL_LIKE: Mapping[str, float] = {"vehicle": 0.72, "rider": 0.1, "person": 0.18}
_STILL_INDOORS: Mapping[str, float] = {"person": 0.5, "lump": 0.3, "vehicle": 0.1, "animal": 0.1}


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
                bodies += at.copies(beside, 4.0, 0.1, post)
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
    bodies = [Body((Panel((GROUND_M, GROUND_M), floor, placement=LYING),))]
    high = rng.uniform(2.2, 5)
    for side in _sides(rng, 0.8):
        wall = at.look(log_uniform(rng, 0.5, 4), side_px=256)
        bodies += at.strip(side * half, 0.0, wall, 0.0, high)
        door = at.look(log_uniform(rng, 0.5, 2))
        size = (rng.uniform(0.02, 0.3), rng.uniform(0.6, 2.2), rng.uniform(0.6, 1.5))
        box = Box(size, door, Placement(y=-size[1] / 2 - (0.4 if chance(rng, 0.3) else 0.0)))
        beside = side * (half - size[0] / 2)
        bodies += at.copies(beside, rng.uniform(2, 7), 0.1, box, in_line=True)
    for side in _sides(rng, 0.6):
        look, thick = at.look(log_uniform(rng, 0.3, 2)), rng.uniform(0.06, 0.35)
        pillar: Shape = Cylinder(thick, high, look, Placement(y=-high / 2))
        if chance(rng, 0.5):
            pillar = Box((2 * thick, high, 2 * thick), look, Placement(y=-high / 2))
        aside = side * half * rng.uniform(0.55, 0.95)
        bodies += at.copies(aside, rng.uniform(1.5, 6), thick + 0.1, pillar)
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
        bodies += at.copies(side * wide, 0.7 * high, 0.1, lean)
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
