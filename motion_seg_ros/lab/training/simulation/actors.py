"""Things that can move, and stand about as well: people, animals, vehicles, cloths, lumps.

Every actor stands on y = 0 of its own coordinates, faces along x, and is as high as it is told.
One that stands still is made by the same function, without a gait.
"""

from __future__ import annotations

from collections.abc import Callable
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
    Ripple,
    Shape,
)
from motion_seg_ros.lab.synthetic.trajectory import (
    Linked,
    Path,
    Placement,
    Stretched,
    Trajectory,
)
from motion_seg_ros.lab.training.simulation.materials import material
from motion_seg_ros.lab.training.simulation.random_motion import (
    FPS,
    Rng,
    chance,
    curve,
    log_uniform,
    placements,
    trajectory,
    wander,
)


@dataclass(frozen=True)
class Gait:
    """How the parts of an actor move.

    Attributes:
        frames: of the clip.
        frequency_hz: of the steps.
        swing_rad: largest angle of limbs to their rest.
        rolling_m: (frames,) distance covered, for wheels; None where nothing rolls.
    """

    frames: int
    frequency_hz: float
    swing_rad: float
    rolling_m: np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None = None


@dataclass(frozen=True)
class _Maker:
    """What the parts of one actor share."""

    rng: Rng
    height_m: float
    gait: Gait | None
    instance: int

    def body(self, shapes: tuple[Shape, ...], path: Path, shadow_m: float = 0.0) -> Body:
        return Body(shapes, path, self.instance, shadow_m)

    def material(self) -> Material:
        return material(self.rng, self.height_m * log_uniform(self.rng, 0.1, 0.7))

    def limb(
        self,
        whole: Path,
        joint: tuple[float, float, float],
        size: tuple[float, float],
        rest: tuple[float, float, float],
        swing: tuple[float, float, float],
        phase: float,
        look: Material,
    ) -> tuple[Body, Path]:
        """A limb that hangs down from a joint; and the path of its own joint, for what hangs on it.

        Args:
            whole: path of what it hangs on.
            joint: x, y, z in the whole's coordinates; it and the size as shares of the height.
            size: length and half thickness.
            rest: yaw, pitch and roll about which it swings.
            swing: share of the gait's swing of each of them.
            phase: of the swing in turns.
            look: what it looks like.
        """
        at = self.height_m * np.array(joint)
        length, thickness = self.height_m * size[0], self.height_m * size[1]
        gait = self.gait or Gait(1, 0.0, float(self.rng.uniform(0, 0.5)))
        turns = gait.frequency_hz / FPS * np.arange(gait.frames) + phase
        angles = (
            np.array(rest) + gait.swing_rad * np.array(swing) * np.sin(2 * np.pi * turns)[:, None]
        )
        channels = placements(np.tile(at, (gait.frames, 1)), tuple(angles.T))
        path = Linked(whole, trajectory(channels))
        ellipsoid = Ellipsoid(
            (thickness, 0.55 * length, thickness), look, Placement(y=0.5 * length)
        )
        return self.body((ellipsoid,), path), path


def person(rng: Rng, height_m: float, path: Path, gait: Gait | None, instance: int) -> list[Body]:
    """Someone who walks, runs or waves: ten parts."""
    make = _Maker(rng, height_m, gait, instance)
    coat, trousers, skin = make.material(), make.material(), make.material()
    lean = Linked(path, Trajectory.still(Placement(y=-0.5 * height_m, roll=rng.normal(0, 0.12))))
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
    bodies = [make.body(trunk, lean, 0.12 * height_m)]
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


def animal(rng: Rng, height_m: float, path: Path, gait: Gait | None, instance: int) -> list[Body]:
    """A beast on four legs, with a neck and a tail: twelve parts."""
    make = _Maker(rng, height_m, gait, instance)
    coat = make.material()
    spots = coat if chance(rng, 0.5) else make.material()
    length, legs = rng.uniform(0.4, 0.75), rng.uniform(0.3, 0.55)
    back = Linked(path, Trajectory.still(Placement(y=-(legs + 0.1) * height_m)))
    girth = rng.uniform(0.12, 0.22) * height_m
    trunk = Ellipsoid((length * height_m, girth, 0.8 * girth), coat)
    bodies = [make.body((trunk,), back, 0.3 * height_m)]
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


def puppet(rng: Rng, height_m: float, path: Path, gait: Gait | None, instance: int) -> list[Body]:
    """Something with limbs on all sides, which all swing in their own way."""
    make = _Maker(rng, height_m, gait, instance)
    looks = [make.material() for _ in range(3)]
    middle = Linked(path, Trajectory.still(Placement(y=-0.5 * height_m)))
    radii = height_m * np.exp(rng.normal(np.log(0.17), 0.35, 3))
    bodies = [make.body((Ellipsoid(tuple(radii.tolist()), looks[0]),), middle, 0.3 * height_m)]
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


def vehicle(rng: Rng, height_m: float, path: Path, gait: Gait | None, instance: int) -> list[Body]:
    """A car, cart or bus on wheels that turn."""
    make = _Maker(rng, height_m, gait, instance)
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
    bodies = [make.body(tuple(shapes), path, 0.5 * length)]
    rolled = np.zeros(1) if gait is None or gait.rolling_m is None else gait.rolling_m
    for x in (-0.32 * length, 0.32 * length):
        for z in (-0.48 * wide, 0.48 * wide):
            hub = np.tile([x, -radius, z], (len(rolled), 1))
            turning = Linked(path, trajectory(placements(hub, (0.0, 0.0, rolled / radius))))
            wheel = Ellipsoid((radius, radius, 0.3 * radius), tyre)
            bodies.append(make.body((wheel,), turning))
    return bodies


def rider(rng: Rng, height_m: float, path: Path, gait: Gait | None, instance: int) -> list[Body]:
    """Somebody on two wheels."""
    make = _Maker(rng, height_m, gait, instance)
    radius = rng.uniform(0.16, 0.24) * height_m
    tyre, frame = make.material(), make.material()
    rolled = np.zeros(1) if gait is None or gait.rolling_m is None else gait.rolling_m
    bar = Box((2.2 * radius, 0.3 * radius, 0.2 * radius), frame, Placement(y=-1.5 * radius))
    bodies = [make.body((bar,), path, 0.2 * height_m)]
    for x in (-1.4 * radius, 1.4 * radius):
        hub = np.tile([x, -radius, 0], (len(rolled), 1))
        turning = Linked(path, trajectory(placements(hub, (0.0, 0.0, rolled / radius))))
        bodies.append(make.body((Ellipsoid((radius, radius, 0.25 * radius), tyre),), turning))
    seat = Linked(path, Trajectory.still(Placement(y=-0.22 * height_m, roll=rng.uniform(0, 0.4))))
    slow = gait and Gait(gait.frames, gait.frequency_hz, 0.6 * gait.swing_rad)
    return bodies + person(rng, 0.78 * height_m, seat, slow, instance)


def lump(rng: Rng, height_m: float, path: Path, gait: Gait | None, instance: int) -> list[Body]:
    """One to three solids in one rigid piece."""
    make = _Maker(rng, height_m, gait, instance)
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
    return [make.body(tuple(shapes), path, 0.4 * height_m)]


def cutout(rng: Rng, height_m: float, path: Path, gait: Gait | None, instance: int) -> list[Body]:
    """A flat silhouette."""
    make = _Maker(rng, height_m, gait, instance)
    outlines: tuple[Outline, ...] = ("figure", "bush", "star", "ellipse", "rectangle")
    outline = outlines[int(rng.integers(len(outlines)))]
    size = (rng.uniform(0.3, 1.2) * height_m, height_m)
    panel = Panel(size, make.material(), outline, Placement(y=-0.5 * height_m))
    return [make.body((panel,), path, 0.2 * height_m)]


def cloth(rng: Rng, height_m: float, path: Path, gait: Gait | None, instance: int) -> list[Body]:
    """A flag, a fish or a flame: flat, and waves run over it."""
    make = _Maker(rng, height_m, gait, instance)
    outlines: tuple[Outline, ...] = ("rectangle", "ellipse", "bush", "star", "figure")
    outline = outlines[int(rng.integers(len(outlines)))]
    size = (rng.uniform(0.5, 1.8) * height_m, height_m)
    swing = 0.3 if gait is None else gait.swing_rad
    wave = Ripple(
        (float(swing * rng.uniform(0.02, 0.25)), float(swing * rng.uniform(0.02, 0.25))),
        (log_uniform(rng, 0.4, 2.5), log_uniform(rng, 0.4, 2.5)),
        0.0 if gait is None else gait.frequency_hz,
        float(rng.random()),
    )
    panel = Panel(size, make.material(), outline, Placement(y=-0.5 * height_m), wave)
    return [make.body((panel,), path, 0.2 * height_m)]


def jelly(rng: Rng, height_m: float, path: Path, gait: Gait | None, instance: int) -> list[Body]:
    """One or two round bodies that bulge, stretch and lean."""
    shape: Path = path
    if gait is not None:
        amount = min(0.35, 0.5 * gait.swing_rad)
        bulge = amount * wander(rng, gait.frames, 1, FPS / gait.frequency_hz)[:, 0]
        lean = amount * wander(rng, gait.frames, 1, FPS / gait.frequency_hz)[:, 0]
        high = np.exp(np.clip(bulge, -0.5, 0.5))
        shape = Stretched(path, curve(np.stack([high**-0.5, high, high**-0.5, lean], axis=1)))
    make = _Maker(rng, height_m, gait, instance)
    wide = rng.uniform(0.25, 0.7) * height_m
    base = Ellipsoid((wide, 0.35 * height_m, wide), make.material(), Placement(y=-0.35 * height_m))
    top = Ellipsoid(
        (0.6 * wide, 0.25 * height_m, 0.6 * wide),
        make.material(),
        Placement(x=rng.normal(0, 0.3) * wide, y=-0.75 * height_m),
    )
    return [make.body((base, top), shape, wide)]


Actor = Callable[[Rng, float, Path, Gait | None, int], list[Body]]
ACTORS: dict[str, tuple[Actor, str]] = {
    "person": (person, "articulated"),
    "animal": (animal, "articulated"),
    "puppet": (puppet, "articulated"),
    "rider": (rider, "articulated"),
    "vehicle": (vehicle, "rigid"),
    "lump": (lump, "rigid"),
    "cutout": (cutout, "rigid"),
    "cloth": (cloth, "deforming"),
    "jelly": (jelly, "deforming"),
}
"""Name -> maker of an actor and how it moves: articulated, rigid or deforming."""
SHARES = {
    "person": 0.3,
    "animal": 0.16,
    "puppet": 0.14,
    "rider": 0.08,
    "vehicle": 0.11,
    "lump": 0.07,
    "cutout": 0.03,
    "cloth": 0.05,
    "jelly": 0.06,
}
"""How often each of them is drawn."""
