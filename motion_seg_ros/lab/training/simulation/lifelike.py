"""What brings random scenes nearer to real footage.

All shares and spreads were set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.training.photographs.folder import PhotographFolder, open_photographs
from motion_seg_ros.lab.training.simulation.cards import standing_cards, with_moving_cards
from motion_seg_ros.lab.training.simulation.dressing import dressed, scenery
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance
from motion_seg_ros.lab.training.simulation.worlds import Site

VERSION = 1
"""Of the lifelike scenes; those of another version are not mixed with them."""


@dataclass(frozen=True)
class Lifelike:
    """How scenes are made lifelike.

    Attributes:
        photographs: for the surfaces; None for drawn textures alone.
    """

    photographs: PhotographFolder | None = None

    @classmethod
    def of(cls, photographs: str | Path | None) -> Lifelike:
        """Return the way with the photographs of a folder; without where there is none.

        Raises:
            InputError: the folder holds no photographs, or others than its list says.
        """
        return cls(open_photographs(Path(photographs)) if photographs else None)

    @property
    def settings(self) -> dict[str, int | str]:
        """What a data set's settings must say of it."""
        digest = "" if self.photographs is None else self.photographs.digest
        return {"lifelike": VERSION, "photographs": digest}


def enlivened(
    rng: Rng, scene: Scene, motions: tuple[str, ...], how: Lifelike, site: Site | None
) -> tuple[Scene, tuple[str, ...]]:
    """Return a random scene, made lifelike, and the motion types of its movers.

    Args:
        rng: source of randomness.
        scene: the scene.
        motions: motion type of each mover.
        how: the way.
        site: the place; None where the camera travels along a road or a corridor.
    """
    if how.photographs is not None:
        scene, motions = _photographed(rng, scene, motions, how.photographs, site)
    return scene, motions


def _photographed(
    rng: Rng,
    scene: Scene,
    motions: tuple[str, ...],
    photographs: PhotographFolder,
    site: Site | None,
) -> tuple[Scene, tuple[str, ...]]:
    files = photographs.paths()
    movers, plants = photographs.paths("mover"), photographs.paths("plant")
    scene = dressed(rng, scene, files)
    if movers:
        scene, motions = with_moving_cards(rng, scene, motions, movers)
    if site is not None:
        added = standing_cards(rng, site, movers, plants) if movers else []
        if chance(rng, 0.5):
            added.append(scenery(rng, files, site.distance_m))
        scene = replace(scene, bodies=(*scene.bodies, *added))
    return scene, motions
