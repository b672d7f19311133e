"""Photographs on the surfaces of a random scene.

All shares and spreads were set by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from motion_seg_ros.lab.synthetic.photograph import Colouring, Photograph
from motion_seg_ros.lab.synthetic.scene import Body, Material, Panel, Scene
from motion_seg_ros.lab.synthetic.trajectory import Placement, Trajectory
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance, log_uniform, pick
from motion_seg_ros.lab.training.simulation.worlds import Site

# Shares of a scene's materials, and how often they are drawn.
_SHARES = {"0": 0.1, "0.5": 0.2, "0.85": 0.4, "1": 0.3}
_LARGEST_PX = 512
_SCENERY_PX = 1024


def random_photograph(
    rng: Rng, files: Sequence[str], size_px: int, share: tuple[float, float] = (0.15, 1.0)
) -> Photograph:
    """Draw a piece of a photograph, recoloured.

    Args:
        rng: source of randomness.
        files: the photographs.
        size_px: side of the tile.
        share: least and largest side of the piece, as a share of the picture's shorter one.
    """
    return Photograph(
        files[int(rng.integers(len(files)))],
        (float(rng.random()), float(rng.random())),
        log_uniform(rng, *share),
        int(rng.choice(4)) if chance(rng, 0.3) else 0,
        chance(rng, 0.5),
        random_colouring(rng),
        size_px,
    )


def random_colouring(rng: Rng) -> Colouring:
    """Draw a change of colours: darker and paler rather than the other way."""
    green = log_uniform(rng, 0.55, 1.25)
    blue, red = (green * log_uniform(rng, 0.88, 1.14) for _ in range(2))
    return Colouring((blue, green, red), log_uniform(rng, 0.65, 1.2), float(rng.uniform(0.2, 1.25)))


def dressed(rng: Rng, scene: Scene, files: Sequence[str]) -> Scene:
    """Return the scene with photographs on a random share of its materials.

    What shares a material still does.
    """
    share = float(pick(rng, _SHARES))
    looks: dict[Material, Material] = {}

    def look(old: Material) -> Material:
        if old not in looks:
            looks[old] = _photographed(rng, old, files) if chance(rng, share) else old
        return looks[old]

    bodies = tuple(
        replace(
            body,
            shapes=tuple(replace(each, material=look(each.material)) for each in body.shapes),
        )
        for body in scene.bodies
    )
    sky = scene.sky
    if chance(rng, 0.3 * share):
        sky = random_photograph(rng, files, _SCENERY_PX, (0.6, 1.0))
    return replace(scene, bodies=bodies, sky=sky)


def _photographed(rng: Rng, old: Material, files: Sequence[str]) -> Material:
    """Return a material with a photograph, on much larger tiles: its details are finer."""
    size_px = min(_LARGEST_PX, 2 * old.texture.size_px)
    larger = log_uniform(rng, 2.0, 16.0)
    tile_m = None if old.tile_m is None else old.tile_m * larger
    stir = old.stir
    if stir is not None and tile_m is not None:  # as fast as before, in metres
        stir = replace(
            stir,
            drift=(stir.drift[0] / larger, stir.drift[1] / larger),
            amplitude=(stir.amplitude[0] / larger, stir.amplitude[1] / larger),
            waves=(stir.waves[0] * larger, stir.waves[1] * larger),
        )
    return replace(old, texture=random_photograph(rng, files, size_px), tile_m=tile_m, stir=stir)


def scenery(rng: Rng, files: Sequence[str], site: Site) -> Body:
    """Build a wide photograph that stands far behind all movers."""
    behind = 1.3 * float(site.keep_clear[:, 2].max())
    far = max(site.distance_m * log_uniform(rng, 4, 25), behind)
    high = far * rng.uniform(0.4, 1.2)
    look = Material(random_photograph(rng, files, _SCENERY_PX, (0.5, 1.0)), high)
    wall = Panel((12 * far, high), look, placement=Placement(y=-0.5 * high))
    return Body((wall,), Trajectory.still(Placement(z=far, yaw=rng.normal(0, 0.1))))
