"""Actors: people, animals, vehicles, cloths and other things that move or stand still.

All proportions, swings and their spreads were set by hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Box,
    Cylinder,
    Ellipsoid,
    Outline,
    Panel,
    Ripple,
    Shape,
)
from motion_seg_ros.lab.synthetic.trajectory import (
    Placement,
    Stretched,
)
from motion_seg_ros.lab.training.simulation.actor_builder import ActorBuilder
from motion_seg_ros.lab.training.simulation.random_motion import (
    FPS,
    chance,
    curve,
    log_uniform,
    wander,
)


def person(make: ActorBuilder) -> list[Body]:
    """Build a person that walks, runs or waves: ten parts."""
    rng, height_m = make.rng, make.height_m
    coat, trousers, skin = make.material(), make.material(), make.material()
    lean = make.attached(y=-0.5 * height_m, roll=rng.normal(0, 0.12))
    build = rng.uniform(0.8, 1.4)
    trunk = (
        Ellipsoid(
            (0.085 * height_m * build, 0.2 * height_m, 0.12 * height_m * build),
            coat,
            Placement(y=-0.15 * height_m),
        ),
        Ellipsoid(
            (0.065 * height_m, 0.085 * height_m, 0.06 * height_m),
            skin,
            Placement(y=-0.42 * height_m),
        ),
    )
    bodies = [make.body(*trunk, path=lean, shadow_m=0.12 * height_m)]
    phase, knee = rng.random(), rng.uniform(0.2, 1)
    reach = rng.uniform(0.3, 1.6)
    wide = abs(rng.normal(0, 0.3))
    for side, shift in ((1, 0.0), (-1, 0.5)):
        hip = (0.0, 0.0, 0.05 * side)
        thigh, at = make.limb(
            lean, hip, (0.26, 0.05 * build), (0, 0, 0.1), (0, 0.1, 1), phase + shift, trousers
        )
        shin, _ = make.limb(
            at,
            (0, 0.25, 0),
            (0.26, 0.035),
            (0, 0, -0.25 * knee),
            (0, 0, knee),
            phase + shift + 0.2,
            trousers,
        )
        shoulder = (0.0, -0.29, 0.13 * side)
        raised = (0, -side * wide, rng.normal(0, 0.3))
        arm, at = make.limb(
            lean, shoulder, (0.18, 0.03), raised, (0, 0.3, -reach), phase + shift, coat
        )
        bend = rng.uniform(0, 1.2)
        hand, _ = make.limb(
            at,
            (0, 0.17, 0),
            (0.18, 0.024),
            (0, 0, bend),
            (0, 0.2, -0.5 * reach),
            phase + shift + 0.1,
            skin,
        )
        bodies += [thigh, shin, arm, hand]
    return bodies


def animal(make: ActorBuilder) -> list[Body]:
    """Build a quadruped with a neck and a tail: twelve parts."""
    rng, height_m = make.rng, make.height_m
    coat = make.material()
    spots = coat if chance(rng, 0.5) else make.material()
    length, legs = rng.uniform(0.4, 0.75), rng.uniform(0.3, 0.55)
    back = make.attached(y=-(legs + 0.1) * height_m)
    girth = rng.uniform(0.12, 0.22) * height_m
    trunk = Ellipsoid((length * height_m, girth, 0.8 * girth), coat)
    bodies = [make.body(trunk, path=back, shadow_m=0.3 * height_m)]
    phase, gallop = rng.random(), 0.1 if chance(rng, 0.4) else 0.5
    for x, fore in ((0.75 * length, 0.0), (-0.75 * length, rng.uniform(0, 0.5))):
        for side, shift in ((1, 0.0), (-1, gallop)):
            hip = (x, 0.03, 0.06 * side)
            thigh, at = make.limb(
                back, hip, (0.55 * legs, 0.055), (0, 0, 0), (0, 0, 1), phase + fore + shift, spots
            )
            shin, _ = make.limb(
                at,
                (0, 0.5 * legs, 0),
                (0.55 * legs, 0.03),
                (0, 0, -0.2),
                (0, 0, 0.7),
                phase + fore + shift + 0.2,
                coat,
            )
            bodies += [thigh, shin]
    upright = rng.uniform(0.5, 2.6)
    neck, at = make.limb(
        back,
        (0.9 * length, -0.05, 0),
        (rng.uniform(0.2, 0.5), 0.06),
        (0, 0, -np.pi + upright - np.pi / 2),
        (0, 0, 0.15),
        phase,
        coat,
    )
    head, _ = make.limb(at, (0, 0.35, 0), (0.22, 0.065), (0, 0, 1.2), (0, 0.1, 0.2), phase, spots)
    tail, _ = make.limb(
        back,
        (-length, 0, 0),
        (rng.uniform(0.15, 0.5), 0.025),
        (0, 0, 0.7),
        (0, 0.6, 0.4),
        rng.random(),
        coat,
    )
    return [*bodies, neck, head, tail]


def puppet(make: ActorBuilder) -> list[Body]:
    """Build a trunk with random limbs, each with a swing of its own."""
    rng, height_m = make.rng, make.height_m
    looks = [make.material() for _ in range(3)]
    middle = make.attached(y=-0.5 * height_m)
    radii = height_m * np.exp(rng.normal(np.log(0.17), 0.35, 3))
    trunk = Ellipsoid(tuple(radii.tolist()), looks[0])
    bodies = [make.body(trunk, path=middle, shadow_m=0.3 * height_m)]
    for _ in range(int(rng.integers(2, 7))):
        rest = (rng.uniform(-np.pi, np.pi), rng.normal(0, 0.5), rng.uniform(-np.pi, np.pi))
        joint = tuple((0.6 * radii * rng.uniform(-1, 1, 3) / height_m).tolist())
        size = (rng.uniform(0.2, 0.5), rng.uniform(0.02, 0.08))
        swing = tuple(rng.normal(0, 0.8, 3).tolist())
        look = looks[int(rng.integers(3))]
        limb, at = make.limb(middle, joint, size, rest, swing, rng.random(), look)
        bodies.append(limb)
        if chance(rng, 0.4):
            rest = (0.0, float(rng.normal(0, 0.5)), float(rng.normal(0, 0.5)))
            end = (rng.uniform(0.15, 0.4), 0.7 * size[1])
            limb, _ = make.limb(at, (0, 0.95 * size[0], 0), end, rest, swing, rng.random(), look)
            bodies.append(limb)
    return bodies


def vehicle(make: ActorBuilder) -> list[Body]:
    """Build a car, cart or bus on wheels that turn."""
    rng, height_m = make.rng, make.height_m
    paint, glass, tyre = make.material(), make.material(), make.material()
    length, wide = rng.uniform(0.8, 3.0) * height_m, rng.uniform(0.5, 1.1) * height_m
    radius = rng.uniform(0.12, 0.22) * height_m
    low = 0.55 * height_m if chance(rng, 0.7) else 0.9 * height_m
    shapes: list[Shape] = [
        Box((length, low - 0.7 * radius, wide), paint, Placement(y=-0.5 * low - 0.35 * radius))
    ]
    if low < 0.8 * height_m:
        cabin = (rng.uniform(0.4, 0.7) * length, height_m - low, 0.85 * wide)
        shapes.append(
            Box(
                cabin, glass, Placement(x=rng.uniform(-0.15, 0.1) * length, y=-(height_m + low) / 2)
            )
        )
    hubs = [(x, z) for x in (-0.32 * length, 0.32 * length) for z in (-0.48 * wide, 0.48 * wide)]
    wheels = make.wheels(radius, 0.3 * radius, hubs, tyre)
    return [make.body(*shapes, shadow_m=0.5 * length), *wheels]


def tanker(make: ActorBuilder) -> list[Body]:
    """Build a lorry with a round tank: a vehicle that training never shows."""
    rng, height_m = make.rng, make.height_m
    paint, steel, tyre = make.material(), make.material(), make.material()
    length, girth = rng.uniform(1.6, 2.4) * height_m, rng.uniform(0.3, 0.36) * height_m
    radius = 0.15 * height_m
    lying = Placement(x=-0.12 * length, y=-height_m + girth, roll=np.pi / 2)
    front = (0.2 * length, 0.75 * height_m, 1.9 * girth)
    shapes = (
        Cylinder(girth, 0.74 * length, steel, lying),
        Box(front, paint, Placement(x=0.38 * length, y=-0.5 * front[1] - radius)),
        Box((length, 0.1 * height_m, girth), paint, Placement(x=-0.02 * length, y=-1.5 * radius)),
    )
    hubs = [(x * length, z * girth) for x in (-0.35, -0.2, 0.36) for z in (-0.85, 0.85)]
    wheels = make.wheels(radius, 0.3 * radius, hubs, tyre)
    return [make.body(*shapes, shadow_m=0.5 * length), *wheels]


def rider(make: ActorBuilder) -> list[Body]:
    """Build a person on two wheels."""
    rng, height_m = make.rng, make.height_m
    radius = rng.uniform(0.16, 0.24) * height_m
    tyre, frame = make.material(), make.material()
    bar = Box((2.2 * radius, 0.3 * radius, 0.2 * radius), frame, Placement(y=-1.5 * radius))
    bodies = [make.body(bar, shadow_m=0.2 * height_m)]
    bodies += make.wheels(radius, 0.25 * radius, [(-1.4 * radius, 0), (1.4 * radius, 0)], tyre)
    seat = make.attached(y=-0.22 * height_m, roll=rng.uniform(0, 0.4))
    gait = make.gait
    slow = gait and replace(gait, swing_rad=0.6 * gait.swing_rad)
    return bodies + person(replace(make, height_m=0.78 * height_m, path=seat, gait=slow))


def lump(make: ActorBuilder) -> list[Body]:
    """Build one to three solids in one rigid piece."""
    rng, height_m = make.rng, make.height_m
    shapes: list[Shape] = []
    for index in range(int(rng.integers(1, 4))):
        share = 1.0 if index == 0 else rng.uniform(0.3, 0.7)
        x, y, z = (share * height_m * np.exp(rng.normal(-0.9, 0.35, 3))).tolist()
        y = share * height_m / 2
        shift = 0.0 if index == 0 else rng.normal(0, 0.35) * height_m
        at = Placement(
            shift,
            -height_m * rng.uniform(0.4, 0.6),
            0.3 * shift,
            rng.uniform(-1, 1),
            0.0,
            rng.normal(0, 0.2),
        )
        match int(rng.integers(3)):
            case 0:
                shapes.append(Box((2 * x, 2 * y, 2 * z), make.material(), at))
            case 1:
                shapes.append(Ellipsoid((x, y, z), make.material(), at))
            case _:
                shapes.append(Cylinder(x, 2 * y, make.material(), at))
    return [make.body(*shapes, shadow_m=0.4 * height_m)]


def cutout(make: ActorBuilder) -> list[Body]:
    """Build a flat silhouette."""
    rng, height_m = make.rng, make.height_m
    outlines: tuple[Outline, ...] = ("figure", "bush", "star", "ellipse", "rectangle")
    outline = outlines[int(rng.integers(len(outlines)))]
    size = (rng.uniform(0.3, 1.2) * height_m, height_m)
    panel = Panel(size, make.material(), outline, Placement(y=-0.5 * height_m))
    return [make.body(panel, shadow_m=0.2 * height_m)]


def cloth(make: ActorBuilder) -> list[Body]:
    """Build a flat thing that waves run over, like a flag, a fish or a flame."""
    rng, height_m = make.rng, make.height_m
    outlines: tuple[Outline, ...] = ("rectangle", "ellipse", "bush", "star", "figure")
    outline = outlines[int(rng.integers(len(outlines)))]
    size = (rng.uniform(0.5, 1.8) * height_m, height_m)
    gait = make.gait
    swing = 0.3 if gait is None else gait.swing_rad
    wave = Ripple(
        (float(swing * rng.uniform(0.02, 0.25)), float(swing * rng.uniform(0.02, 0.25))),
        (log_uniform(rng, 0.4, 2.5), log_uniform(rng, 0.4, 2.5)),
        0.0 if gait is None else gait.frequency_hz,
        float(rng.random()),
    )
    panel = Panel(size, make.material(), outline, Placement(y=-0.5 * height_m), wave)
    return [make.body(panel, shadow_m=0.2 * height_m)]


def jelly(make: ActorBuilder) -> list[Body]:
    """Build two round bodies that bulge, stretch and lean."""
    rng, height_m, gait, path = make.rng, make.height_m, make.gait, make.path
    if gait is not None:
        amount = min(0.35, 0.5 * gait.swing_rad)
        bulge = amount * wander(rng, gait.frames, 1, FPS / gait.frequency_hz)[:, 0]
        lean = amount * wander(rng, gait.frames, 1, FPS / gait.frequency_hz)[:, 0]
        high = np.exp(np.clip(bulge, -0.5, 0.5))
        path = Stretched(path, curve(np.stack([high**-0.5, high, high**-0.5, lean], axis=1)))
    wide = rng.uniform(0.25, 0.7) * height_m
    base = Ellipsoid((wide, 0.35 * height_m, wide), make.material(), Placement(y=-0.35 * height_m))
    top = Ellipsoid(
        (0.6 * wide, 0.25 * height_m, 0.6 * wide),
        make.material(),
        Placement(x=rng.normal(0, 0.3) * wide, y=-0.75 * height_m),
    )
    return [make.body(base, top, path=path, shadow_m=wide)]


def rods(make: ActorBuilder) -> list[Body]:
    """Build one to four thin rods that hang together and swing: ropes, poles, oars, insects."""
    rng, height_m = make.rng, make.height_m
    top = make.attached(y=-height_m)
    thickness = log_uniform(rng, 0.008, 0.035)
    bodies: list[Body] = []
    whole, joint = top, (0.0, 0.0, 0.0)
    count = int(rng.integers(1, 5))
    for _ in range(count):
        length = 1.0 / count * rng.uniform(0.8, 1.3)
        rest = (0.0, rng.normal(0, 0.2), rng.normal(0, 0.5))
        rod, at = make.limb(
            whole, joint, (length, thickness), rest, (0, 0.2, 1), rng.random(), make.material()
        )
        bodies.append(rod)
        if chance(rng, 0.7):  # on from the end of the last
            whole, joint = at, (0.0, 0.9 * length, 0.0)
    return bodies


# Builder, motion type (articulated, rigid or deforming), and how often it is drawn. The
# shares were set by hand.
_ACTORS: tuple[tuple[Callable[[ActorBuilder], list[Body]], str, float], ...] = (
    (person, "articulated", 0.3),
    (animal, "articulated", 0.16),
    (puppet, "articulated", 0.14),
    (rider, "articulated", 0.08),
    (vehicle, "rigid", 0.11),
    (tanker, "rigid", 0.0),
    (lump, "rigid", 0.07),
    (cutout, "rigid", 0.03),
    (cloth, "deforming", 0.05),
    (jelly, "deforming", 0.06),
    (rods, "articulated", 0.0),
)
ACTORS = {build.__name__: (build, motion) for build, motion, _ in _ACTORS}
SHARES = {build.__name__: share for build, _, share in _ACTORS}
