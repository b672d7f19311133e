"""Random static worlds: ground, background and clutter.

All shares, sizes and spreads were set by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Camera,
    Cylinder,
    Ellipsoid,
    Material,
    Outline,
    Panel,
    Ripple,
    Shape,
)
from motion_seg_ros.lab.synthetic.trajectory import Array, Placement, Trajectory, inverse_pose
from motion_seg_ros.lab.training.simulation.materials import material
from motion_seg_ros.lab.training.simulation.random_motion import FPS, Rng, chance, log_uniform

_LYING = Placement(pitch=np.pi / 2)
_EXTENT = 60  # of the ground and of backgrounds, in distances to the subject


@dataclass(frozen=True, eq=False)
class Site:
    """Place for a world.

    Attributes:
        camera: the camera that will see it.
        frames: of the clip.
        distance_m: to the subject.
        keep_clear: (M, 4) x, y, z and radius of spheres that must stay free.
    """

    camera: Camera
    frames: int
    distance_m: float
    keep_clear: Array

    @property
    def reach_m(self) -> tuple[float, float, float]:
        """Return how far the camera comes sideways, up and forward."""
        eyes = camera_positions(self.camera, self.frames)
        aside, above, ahead = np.abs(eyes[:, 0]).max(), -eyes[:, 1].min(), eyes[:, 2].max()
        return float(aside), float(above), float(ahead)

    def place(self, rng: Rng, depth_m: float, spread: float = 1.15) -> Array:
        """Draw a point (3,) at a depth, in sight of the camera in some frame, or nearly."""
        time_s = rng.integers(self.frames) / FPS
        intrinsics = self.camera.matrix(time_s)
        margin = (spread - 1) / 2
        x = rng.uniform(-margin, 1 + margin) * self.camera.width
        y = rng.uniform(-margin, 1 + margin) * self.camera.height
        ray = np.linalg.inv(intrinsics) @ np.array([x, y, 1.0])
        pose = self.camera.trajectory.pose(time_s)
        return np.asarray(pose[:3, :3] @ ray * depth_m + pose[:3, 3])

    def pixel_m(self, at: Array) -> float:
        """Return the size of a pixel at a point, halfway through the clip."""
        time_s = self.frames / 2 / FPS
        pose = inverse_pose(self.camera.trajectory.pose(time_s))
        depth = abs(float(pose[2, :3] @ at + pose[2, 3]))
        return max(depth, 0.1 * self.distance_m) / float(self.camera.matrix(time_s)[0, 0])

    def is_clear(self, at: Array, radius_m: float) -> bool:
        """Return True if something of a radius stands in nobody's way."""
        gap = np.hypot(*(self.keep_clear[:, [0, 2]] - at[[0, 2]]).T)
        return bool((gap > self.keep_clear[:, 3] + radius_m).all())


def camera_positions(camera: Camera, frames: int) -> Array:
    """Return the positions (frames, 3) of a camera in the world."""
    return np.array([camera.trajectory.pose(t / FPS)[:3, 3] for t in range(frames)])


def _static(at: Placement, *shapes: Shape, shadow_m: float = 0.0) -> Body:
    return Body(shapes, Trajectory.still(at), shadow_m=shadow_m)


def _wall(site: Site, look: Material, at: Placement) -> Body:
    return _static(at, Panel((_EXTENT * site.distance_m,) * 2, look))


def open_country(rng: Rng, site: Site) -> list[Body]:
    """Build open ground with a background or only sky, and clutter."""
    bodies = [*ground(rng, site), *background(rng, site)]
    return bodies + clutter(rng, site, int(rng.integers(2, 14)), (0.5, 5.0))


def backdrop(rng: Rng, site: Site) -> list[Body]:
    """Build a wall, cloth or hedge that fills the image, with little before it."""
    far = max(site.distance_m * log_uniform(rng, 1.15, 5), 1.3 * site.reach_m[2])
    slant = rng.normal(0, 0.25)
    size = (_EXTENT * site.distance_m,) * 2
    wall = Panel(
        size,
        material(rng, far * log_uniform(rng, 0.1, 0.8), side_px=256),
        ripple=_wind(rng, site, size, 0.15),
    )
    bodies = [_static(Placement(0, 0, far, yaw=slant), wall)]
    if chance(rng, 0.4):
        bodies += ground(rng, site)
    return bodies + clutter(rng, site, int(rng.integers(0, 6)), (0.5, 1.1), floating=0.5)


def room(rng: Rng, site: Site) -> list[Body]:
    """Build a floor, walls, perhaps a ceiling, and furniture."""
    near = site.distance_m
    aside, above, ahead = site.reach_m
    far = max(near * log_uniform(rng, 1.3, 3), 1.3 * ahead)
    half = max(near * rng.uniform(0.7, 2.0), 1.3 * aside)
    high = max(near * rng.uniform(0.6, 1.5), 1.3 * above)
    look = material(rng, near * log_uniform(rng, 0.2, 0.8), side_px=256)
    bodies = ground(rng, site)
    walls = [Placement(0, 0, far, rng.normal(0, 0.1)), Placement(half, 0, 0, np.pi / 2)]
    walls += [Placement(-half, 0, 0, np.pi / 2)] if chance(rng, 0.7) else []
    walls += [Placement(0, -high, 0, 0, np.pi / 2)] if chance(rng, 0.4) else []
    for at in walls:
        own = look if chance(rng, 0.6) else material(rng, near * log_uniform(rng, 0.2, 0.8))
        bodies.append(_wall(site, own, at))
    return bodies + clutter(rng, site, int(rng.integers(3, 14)), (0.4, 2.0))


def thicket(rng: Rng, site: Site) -> list[Body]:
    """Build trunks, posts and bushes from near to far: parallax everywhere."""
    bodies = [*ground(rng, site), *background(rng, site)]
    return bodies + clutter(rng, site, int(rng.integers(14, 30)), (0.25, 4.0), upright=0.8)


def waterside(rng: Rng, site: Site) -> list[Body]:
    """Build rippling water to a far shore."""
    near = site.distance_m
    size = (2 * _EXTENT * near,) * 2
    wave = near * log_uniform(rng, 0.05, 0.5)
    swell = log_uniform(rng, 0.2, 2.5) * near / float(site.camera.matrix(0.0)[0, 0]) / size[0]
    ripple = Ripple(
        (swell, swell),
        (size[0] / wave, size[0] / wave * rng.uniform(0.3, 2)),
        log_uniform(rng, 0.1, 1.2),
        float(rng.random()),
    )
    look = _wet(rng, material(rng, near * log_uniform(rng, 0.2, 1), natural=True, side_px=256), 0.5)
    water = Body((Panel(size, look, placement=_LYING, ripple=ripple),))
    bodies = [water, *background(rng, site)]
    return bodies + clutter(rng, site, int(rng.integers(0, 6)), (0.4, 4.0))


def corridor(rng: Rng, site: Site) -> list[Body]:
    """Build two long walls under a ceiling, and an end wall."""
    near = site.distance_m
    aside, above, ahead = site.reach_m
    half = max(near * rng.uniform(0.3, 0.8), 1.3 * aside)
    high = max(near * rng.uniform(0.4, 1.0), 1.3 * above)
    bodies = ground(rng, site)
    for at in (
        Placement(half, 0, 0, np.pi / 2),
        Placement(-half, 0, 0, np.pi / 2),
        Placement(0, -high, 0, 0, np.pi / 2),
        Placement(0, 0, max(near * rng.uniform(2, 6), 1.3 * ahead)),
    ):
        look = material(rng, near * log_uniform(rng, 0.2, 0.8), side_px=256)
        bodies.append(_wall(site, look, at))
    return bodies + clutter(rng, site, int(rng.integers(2, 10)), (0.6, 3.0))


def ground(rng: Rng, site: Site) -> list[Body]:
    """Build a floor to the horizon, perhaps with a road, a path or a lawn."""
    near = site.distance_m
    side = 2 * _EXTENT * near
    look = _wet(rng, material(rng, near * log_uniform(rng, 0.12, 1), side_px=256), 0.06)
    bodies = [Body((Panel((side, side), look, placement=_LYING),))]
    if chance(rng, 0.4):
        strip = material(rng, near * log_uniform(rng, 0.12, 0.6), side_px=128)
        wide = near * log_uniform(rng, 0.3, 2)
        way = Placement(rng.normal(0, 0.5) * near, -1e-3 * near, near, rng.uniform(0, np.pi))
        bodies.append(_static(way, Panel((side, wide), strip, placement=_LYING)))
    return bodies


def _wet(rng: Rng, look: Material, probability: float) -> Material:
    """Return the material, with a probability so that it reflects things that stand on it."""
    share = rng.uniform(0.1, 0.6) if chance(rng, probability) else 0.0
    return replace(look, reflectance=share)


def background(rng: Rng, site: Site) -> list[Body]:
    """Build hills, a row of houses or trees, a wall, or nothing."""
    near = site.distance_m
    far = near * log_uniform(rng, 1.5, 10)
    high = far * rng.uniform(0.1, 0.7)
    match int(rng.integers(5)):
        case 0:
            return []
        case 1:
            wall = Panel((_EXTENT * far, 2 * high), material(rng, far * 0.4, side_px=256))
            return [_static(Placement(0, 0, far, rng.normal(0, 0.15)), wall)]
        case kind:
            looks = [material(rng, far * log_uniform(rng, 0.1, 0.4)) for _ in range(4)]
            row = []
            for x in np.arange(-6, 7) * 0.35 * far + rng.normal(0, 0.05 * far, 13):
                look, z = looks[int(rng.integers(4))], far * rng.uniform(0.9, 1.4)
                wide, tall = far * rng.uniform(0.12, 0.4), high * rng.uniform(0.5, 1.3)
                shape: Shape = Ellipsoid((wide, tall, 0.3 * wide), look)
                size = (2 * wide, 2 * tall)
                if kind == 2:
                    shape = Panel(size, look)
                elif kind == 3:
                    wind = _wind(rng, site, (wide, tall), 0.2)
                    shape = Panel(size, look, "bush", ripple=wind)
                at = Placement(float(x), 0, z)
                if site.is_clear(np.array([at.x, 0, at.z]), 0.0):
                    row.append(_static(at, shape))
            return row


def clutter(
    rng: Rng,
    site: Site,
    count: int,
    depths: tuple[float, float],
    *,
    upright: float = 0.35,
    floating: float = 0.05,
) -> list[Body]:
    """Build solids, posts and bushes that stand about.

    Args:
        rng: source of randomness.
        site: the place.
        count: largest number; those without free space are left out.
        depths: least and largest, in distances to the subject.
        upright: share of posts and trunks.
        floating: share of those that do not stand on the ground.
    """
    bodies = []
    looks = [material(rng, site.distance_m * log_uniform(rng, 0.03, 0.3)) for _ in range(6)]
    for _ in range(count):
        at = site.place(rng, site.distance_m * log_uniform(rng, *depths))
        if not chance(rng, floating):
            at[1] = 0.0
        half = site.pixel_m(at) * site.camera.height * log_uniform(rng, 0.015, 0.22)
        if site.is_clear(at, 1.5 * half):
            look = looks[int(rng.integers(6))]
            bodies.append(_thing(rng, site, at, half, look, chance(rng, upright)))
    return bodies


def occluder(rng: Rng, site: Site) -> list[Body]:
    """Build something before the subject: a fence, a post or a bush."""
    near = site.distance_m * rng.uniform(0.3, 0.7)
    at = site.place(rng, near, 0.9) * (1, 0, 1)
    wide, look = site.pixel_m(at), material(rng, near * 0.2)
    width_px = log_uniform(rng, 4, 45) * site.camera.width / 427
    match int(rng.integers(3)):
        case 0:
            gap, size = wide * width_px * log_uniform(rng, 3, 12), (wide * width_px, 8 * near)
            posts = (Panel(size, look, placement=Placement(i * gap)) for i in range(-6, 7))
            return [_static(Placement(*at), *posts)]
        case 1:
            return [_static(Placement(*at), Cylinder(0.5 * wide * width_px, 8 * near, look))]
        case _:
            at[1] = site.place(rng, near, 1.0)[1]
            size = wide * width_px * 4, wide * width_px * 3
            leaves = Panel(size, look, "bush", ripple=_wind(rng, site, size, 0.3))
            return [_static(Placement(*at), leaves)]


def _thing(rng: Rng, site: Site, at: Array, half: float, look: Material, upright: bool) -> Body:
    """Build a thing of about a half size, standing at a point."""
    x, y, z = at.tolist()
    yaw, tall = rng.uniform(-1, 1), half * log_uniform(rng, 0.6, 3)
    shapes: tuple[Shape, ...]
    if upright:
        tall, thick = half * log_uniform(rng, 2, 8), half * log_uniform(rng, 0.1, 0.5)
        shapes = (Cylinder(thick, 2 * tall, look, Placement(y=-tall)),)
        if chance(rng, 0.4):  # a tree
            crown = Placement(y=-2 * tall)
            shapes += (Ellipsoid((half, 0.8 * half, half), look, crown),)
        return _static(Placement(x, y, z, yaw), *shapes, shadow_m=half)
    match int(rng.integers(5)):
        case 0:
            wide, deep = half * np.exp(rng.normal(0, 0.4, 2))
            shapes = (Box((2 * wide, 2 * tall, 2 * deep), look, Placement(y=-tall)),)
        case 1:
            shapes = (Ellipsoid((half, tall, half), look, Placement(y=-0.9 * tall)),)
        case 2:
            shapes = (Cylinder(half, 2 * tall, look, Placement(y=-tall)),)
        case 3:
            shapes = (Ellipsoid((half, 0.6 * half, half), look),)  # a boulder, half in the ground
        case _:
            outlines: tuple[Outline, ...] = ("bush", "figure", "rectangle", "ellipse")
            size = (2 * half, 2 * tall)
            outline = outlines[int(rng.integers(4))]
            ripple = _wind(rng, site, size, 0.25)
            shapes = (Panel(size, look, outline, Placement(y=-tall), ripple),)
    shadow = half if chance(rng, 0.7) else 0.0
    return _static(Placement(x, y, z, yaw), *shapes, shadow_m=shadow)


def _wind(rng: Rng, site: Site, size_m: tuple[float, float], probability: float) -> Ripple | None:
    """Draw ripples of up to two pixels over a panel of leaves, mostly none."""
    if not chance(rng, probability):
        return None
    near = site.distance_m
    sway = log_uniform(rng, 0.1, 2) * near / float(site.camera.matrix(0.0)[0, 0])
    wave = near * log_uniform(rng, 0.05, 0.4)
    across, down = size_m
    return Ripple(
        (sway / across, sway / down),
        (down / wave, across / wave),
        log_uniform(rng, 0.1, 1.2),
        float(rng.random()),
    )


World = Callable[[Rng, Site], list[Body]]
WORLDS: dict[str, World] = {
    each.__name__: each for each in (open_country, backdrop, room, thicket, waterside, corridor)
}
