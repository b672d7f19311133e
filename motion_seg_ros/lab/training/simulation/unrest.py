"""Distractors, which move in random scenes without being movers: water, leaves, smoke, shadows.

In the ground truth they are static, as in the annotations of recorded clips. All shares and spreads
were set by hand.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Dapple,
    Material,
    Outline,
    Panel,
    Puff,
    Ripple,
    Scene,
    Shape,
    Stir,
)
from motion_seg_ros.lab.synthetic.trajectory import Array, Placement, Trajectory
from motion_seg_ros.lab.training.simulation.materials import material
from motion_seg_ros.lab.training.simulation.random_motion import FPS, Rng, chance, log_uniform
from motion_seg_ros.lab.training.simulation.worlds import Site

_LYING = Placement(pitch=np.pi / 2)
_LEAVES: tuple[Outline, ...] = ("ellipse", "bush", "star")


def restless(rng: Rng, scene: Scene, site: Site) -> Scene:
    """Return a scene in which some of the static world moves."""
    bodies = [_stirred_water(rng, body, site) for body in scene.bodies]
    if chance(rng, 0.22):
        bodies += water(rng, site)
    if chance(rng, 0.3):
        for _ in range(int(rng.integers(1, 4))):
            bodies += foliage(rng, site)
    smoke = plume(rng, site) if chance(rng, 0.13) else ()
    light = scene.light
    if chance(rng, 0.18):
        light = replace(light, dapple=dapple(rng, site.distance_m))
    return replace(scene, bodies=tuple(bodies), smoke=smoke, light=light)


def _stirred_water(rng: Rng, body: Body, site: Site) -> Body:
    """Return the body; water, which lies and ripples, mostly flows too."""
    shapes = tuple(
        replace(each, material=stirred(rng, each.material, site.distance_m, site))
        if _is_water(each) and chance(rng, 0.8)
        else each
        for each in body.shapes
    )
    return replace(body, shapes=shapes)


def _is_water(shape: Shape) -> bool:
    return isinstance(shape, Panel) and shape.ripple is not None and shape.placement == _LYING


def water(rng: Rng, site: Site) -> list[Body]:
    """Build a pool or a river that lies on the ground, or a fall or fountain that stands on it."""
    at = site.place(rng, site.distance_m * log_uniform(rng, 0.5, 2.5))
    near = max(site.distance_m, 0.0)
    look = material(rng, near * log_uniform(rng, 0.15, 1.0), natural=True, side_px=256)
    if chance(rng, 0.6):
        look = replace(look, reflectance=rng.uniform(0.1, 0.7))
        long, wide = near * log_uniform(rng, 0.5, 6), near * log_uniform(rng, 0.2, 1.5)
        outline: Outline = ("ellipse", "bush", "rectangle")[int(rng.integers(3))]
        # As high above the ground as a strip of ground(), so that they do not flicker together.
        place = Placement(float(at[0]), -2e-3 * near, float(at[2]), rng.uniform(0, np.pi))
        panel = Panel((long, wide), stirred(rng, look, near, site), outline, _LYING)
    else:
        height = site.pixel_m(at) * site.camera.height * log_uniform(rng, 0.15, 1.2)
        place = Placement(float(at[0]), 0.0, float(at[2]), rng.normal(0, 0.4))
        look = stirred(rng, look, near, site, falling=True)
        size = (height * log_uniform(rng, 0.15, 1.5), height)
        panel = Panel(size, look, "rectangle", Placement(y=-0.5 * height))
    return [Body((panel,), Trajectory.still(place))]


def stirred(
    rng: Rng, look: Material, distance_m: float, site: Site, *, falling: bool = False
) -> Material:
    """Return a material whose texture flows and ripples, by pixels of the image per frame."""
    tile_m = look.tile_m or distance_m
    pixel = distance_m / float(site.camera.matrix(0.0)[0, 0]) / tile_m  # tiles
    speed = log_uniform(rng, 0.1, 6) * pixel * FPS
    turn = np.pi / 2 if falling else rng.uniform(0, 2 * np.pi)
    if chance(rng, 0.25) and not falling:
        speed = 0.0
    sway = log_uniform(rng, 0.2, 4) * pixel
    return replace(
        look,
        stir=Stir(
            (-speed * float(np.cos(turn)), -speed * float(np.sin(turn))),
            (sway, sway * log_uniform(rng, 0.3, 2)),
            (float(rng.integers(1, 9)), float(rng.integers(1, 9))),
            log_uniform(rng, 0.2, 2),
            log_uniform(rng, 0.5, 6),
        ),
    )


def foliage(rng: Rng, site: Site) -> list[Body]:
    """Build a branch or a bush of many leaves, each of which sways about its place."""
    near = chance(rng, 0.35)
    depth = site.distance_m * (log_uniform(rng, 0.3, 0.8) if near else log_uniform(rng, 0.8, 4))
    at = site.place(rng, depth)
    pixel = site.pixel_m(at)
    reach = pixel * site.camera.height * log_uniform(rng, 0.06, 0.35)
    if not near:
        at[1] = min(float(at[1]), -0.5 * reach)
    if not site.is_clear(at, reach):
        return []
    looks = [material(rng, reach * log_uniform(rng, 0.1, 1), natural=True) for _ in range(3)]
    gust, wind_hz = log_uniform(rng, 0.2, 4) * pixel, log_uniform(rng, 0.25, 1.5)
    shapes = []
    for _ in range(int(rng.integers(10, 32))):
        offset = reach * rng.normal(0, 0.45, 3)
        shapes.append(_leaf(rng, offset, reach, looks[int(rng.integers(3))], gust, wind_hz))
    place = Placement(float(at[0]), float(at[1]), float(at[2]), rng.normal(0, 0.3))
    return [Body(tuple(shapes), Trajectory.still(place))]


def _leaf(
    rng: Rng, offset: Array, reach_m: float, look: Material, gust_m: float, wind_hz: float
) -> Panel:
    """Build a leaf or a twig; one wave over several panels moves it to and fro as a whole."""
    size = reach_m * log_uniform(rng, 0.12, 0.6), reach_m * log_uniform(rng, 0.12, 0.6)
    sway = gust_m * rng.uniform(0.3, 1.5)
    ripple = Ripple(
        (sway / size[0], sway * rng.uniform(0, 0.8) / size[1]),
        (rng.uniform(0, 0.4), rng.uniform(0, 0.4)),
        wind_hz * rng.uniform(0.7, 1.4),
        float(rng.normal(0, 0.25)),
    )
    x, y, z = offset.tolist()
    turned = Placement(x, y, z, yaw=rng.normal(0, 0.5), roll=rng.uniform(0, np.pi))
    return Panel(size, look, _LEAVES[int(rng.integers(3))], turned, ripple)


def plume(rng: Rng, site: Site) -> tuple[Puff, ...]:
    """Draw smoke, steam or dust that rises from somewhere and drifts away."""
    at = site.place(rng, site.distance_m * log_uniform(rng, 0.5, 3))
    size = site.pixel_m(at) * site.camera.height * log_uniform(rng, 0.05, 0.3)
    pixel = site.pixel_m(at)
    drift = np.array([rng.normal(0, 1), -abs(rng.normal(0, 1)), 0.3 * rng.normal(0, 1)])
    drift *= log_uniform(rng, 0.3, 5) * pixel * FPS
    grey = int(rng.uniform(25, 245))
    colour = (grey, int(grey * rng.uniform(0.9, 1.0)), int(grey * rng.uniform(0.85, 1.0)))
    opacity, growth = rng.uniform(0.15, 0.7), size * rng.uniform(0, 0.4)
    clip_s = site.frames / FPS
    puffs = []
    for age in np.linspace(0, 1, int(rng.integers(3, 12))) * rng.uniform(0.5, 2) * clip_s:
        centre = at + drift * age + size * rng.normal(0, 0.3, 3)
        puffs.append(
            Puff(
                (float(centre[0]), float(centre[1]), float(centre[2])),
                (float(drift[0]), float(drift[1]), float(drift[2])),
                size * rng.uniform(0.6, 1.3) + growth * float(age),
                growth,
                opacity * rng.uniform(0.5, 1),
                colour,
                int(rng.integers(1000)),
            )
        )
    return tuple(puffs)


def dapple(rng: Rng, distance_m: float) -> Dapple:
    """Draw the shadows of clouds, or of leaves in the wind."""
    strength = rng.uniform(0.15, 0.7)
    seed = int(rng.integers(1000))
    if chance(rng, 0.5):
        tile, turn = distance_m * log_uniform(rng, 1, 8), rng.uniform(0, 2 * np.pi)
        speed = tile * log_uniform(rng, 0.03, 0.6)
        drift = (speed * float(np.cos(turn)), speed * float(np.sin(turn)))
        return Dapple(tile, drift, strength=strength, seed=seed)
    tile = distance_m * log_uniform(rng, 0.3, 2)
    sway, rate = tile * log_uniform(rng, 0.003, 0.04), log_uniform(rng, 0.2, 1.2)
    return Dapple(tile, sway_m=sway, sway_hz=rate, strength=strength, seed=seed)
