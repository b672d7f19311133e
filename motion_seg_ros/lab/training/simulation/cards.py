"""Pictures of real animals, vehicles and trees that stand, sway and move in random scenes: flat
cards along their outlines.

All shares and spreads were set by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from motion_seg_ros.lab.synthetic.photograph import CutOut
from motion_seg_ros.lab.synthetic.scene import Body, Material, Panel, Ripple, Scene
from motion_seg_ros.lab.synthetic.surfaces import pieces_of
from motion_seg_ros.lab.synthetic.trajectory import (
    Linked,
    MonotoneCurve,
    Path,
    Placement,
    Stretched,
    Trajectory,
)
from motion_seg_ros.lab.training.simulation.dressing import random_colouring
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance, log_uniform
from motion_seg_ros.lab.training.simulation.worlds import Site

_MOVERS = 0.35  # share of the movers that become cards
_SIDE_ON = 0.35  # of their turning out of the image's plane that is left, lest they become lines
_LEANEST = 0.25  # a height below this share of its width is raised


def with_moving_cards(
    rng: Rng, scene: Scene, motions: tuple[str, ...], files: Sequence[str]
) -> tuple[Scene, tuple[str, ...]]:
    """Return a scene in which some movers are cards, and the motion types of all movers.

    Args:
        rng: source of randomness.
        scene: with movers 1, 2, ...
        motions: type of each.
        files: pictures of things that could move.
    """
    bodies, types = list(scene.bodies), list(motions)
    for instance in range(1, len(motions) + 1):
        parts = [body for body in bodies if body.instance == instance]
        if not parts or not chance(rng, _MOVERS):
            continue
        first = bodies.index(parts[0])
        card, ripples = _moving_card(rng, parts, files)
        bodies = [body for body in bodies if body.instance != instance]
        bodies.insert(first, card)
        types[instance - 1] = "deforming" if ripples else "rigid"
    return replace(scene, bodies=tuple(bodies)), tuple(types)


def _moving_card(rng: Rng, parts: Sequence[Body], files: Sequence[str]) -> tuple[Body, bool]:
    """Return a card in place of a mover, on its path; True if it ripples."""
    path = _whole(parts[0].trajectory)
    tops = [
        (body.trajectory.pose(0.0)[:3, 3] - path.pose(0.0)[:3, 3])[1] + piece.corners[:, 1].min()
        for body in parts
        for piece in pieces_of(body)
    ]
    height = max(0.05, -min(tops))
    ripple = None
    if chance(rng, 0.6):  # runs, breathes or flaps
        amount = log_uniform(rng, 0.008, 0.07)
        ripple = Ripple(
            (amount * rng.uniform(0.2, 1), amount * rng.uniform(0, 1)),
            (rng.uniform(0.2, 1.2), rng.uniform(0.2, 1.5)),
            log_uniform(rng, 0.5, 3.0),
            float(rng.random()),
        )
    shape = card(rng, files, height, ripple)
    shadow = max(body.shadow_m for body in parts)
    return Body((shape,), _side_on(path), parts[0].instance, shadow), ripple is not None


def card(rng: Rng, files: Sequence[str], height_m: float, ripple: Ripple | None) -> Panel:
    """Draw a card of about a height that stands on y = 0."""
    picture = CutOut(files[int(rng.integers(len(files)))], chance(rng, 0.5), random_colouring(rng))
    # As large as the height says, whichever of its sides is the longer.
    high = height_m * float(np.clip(picture.aspect**-0.5, _LEANEST, 1.3))
    size = (picture.aspect * high, high)
    return Panel(size, Material(picture), picture, Placement(y=-0.5 * high), ripple)


def _whole(path: Path) -> Path:
    """Return the path of the whole that a part's path hangs on."""
    while isinstance(path, Linked | Stretched):
        path = path.whole if isinstance(path, Linked) else path.path
    return path


def _side_on(path: Path) -> Path:
    """Return a path whose body turns less out of the plane of an image along z."""
    if not isinstance(path, Trajectory):
        return path
    rows = np.array(path.curve.values)
    rest = np.pi * np.rint(rows[:1, 3] / np.pi)
    rows[:, 3] = rest + _SIDE_ON * (rows[:, 3] - rest)
    values = tuple(tuple(row) for row in rows.tolist())
    return replace(path, curve=MonotoneCurve(path.curve.times_s, values))


def standing_cards(
    rng: Rng, site: Site, movers: Sequence[str], plants: Sequence[str]
) -> list[Body]:
    """Build cards that stand about: plants, some of which sway, and things that could move."""
    bodies = []
    for _ in range(int(rng.integers(0, 7))):
        at = site.place(rng, site.distance_m * log_uniform(rng, 0.5, 4.0)) * (1, 0, 1)
        grows = bool(plants) and chance(rng, 0.55)
        share = log_uniform(rng, 0.1, 0.9) if grows else log_uniform(rng, 0.08, 0.5)
        height = share * site.camera.height * site.pixel_m(at)
        if not site.is_clear(at, 0.5 * height):
            continue
        sways = grows and chance(rng, 0.6)
        shape = card(rng, plants if grows else movers, height, _sway(rng) if sways else None)
        place = Placement(float(at[0]), 0.0, float(at[2]), rng.normal(0, 0.4))
        bodies.append(Body((shape,), Trajectory.still(place), shadow_m=0.2 * height))
    return bodies


def _sway(rng: Rng) -> Ripple:
    """Draw the sway of branches in the wind."""
    amount = log_uniform(rng, 0.003, 0.03)
    return Ripple(
        (amount, amount * rng.uniform(0.1, 0.8)),
        (rng.uniform(0.3, 4), rng.uniform(0.5, 5)),
        log_uniform(rng, 0.2, 1.5),
        float(rng.random()),
    )
