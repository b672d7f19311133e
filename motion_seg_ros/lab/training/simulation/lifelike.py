"""Lifelike scenes: random scenes brought nearer to real footage.

All shares and spreads were set by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from motion_seg_ros.lab.synthetic.scene import Nuisances, Scene
from motion_seg_ros.lab.training.photographs.folder import PhotographFolder, open_photographs
from motion_seg_ros.lab.training.simulation.cards import standing_cards, with_moving_cards
from motion_seg_ros.lab.training.simulation.dressing import dressed, scenery
from motion_seg_ros.lab.training.simulation.random_motion import (
    FPS,
    Rng,
    chance,
    curve,
    log_uniform,
    wander,
)
from motion_seg_ros.lab.training.simulation.unrest import restless
from motion_seg_ros.lab.training.simulation.worlds import Site

VERSION = 2
"""Version of the lifelike scenes; those of different versions are not mixed in one data set."""


@dataclass(frozen=True)
class Lifelike:
    """Options of lifelike scenes.

    Attributes:
        photographs: for the surfaces; None for drawn textures alone.
    """

    photographs: PhotographFolder | None = None

    @classmethod
    def of(cls, photographs: str | Path | None) -> Lifelike:
        """Return the options with the photographs of a folder; without photographs for None.

        Raises:
            InputError: the folder holds no photographs, or others than its list says.
        """
        return cls(open_photographs(Path(photographs)) if photographs else None)

    @property
    def settings(self) -> dict[str, int | str]:
        """Entries that identify these options in the settings of a data set."""
        digest = "" if self.photographs is None else self.photographs.digest
        return {"lifelike": VERSION, "photographs": digest}


def enlivened(
    rng: Rng, scene: Scene, motions: tuple[str, ...], how: Lifelike, site: Site
) -> tuple[Scene, tuple[str, ...]]:
    """Return a random scene, made lifelike, and the motion types of its movers.

    Args:
        rng: source of randomness.
        scene: the scene.
        motions: motion type of each mover.
        how: options.
        site: the place.
    """
    scene = restless(rng, scene, site)
    scene = replace(scene, nuisances=_of_a_real_camera(rng, scene.nuisances, scene.frames))
    if how.photographs is not None:
        scene, motions = _photographed(rng, scene, motions, how.photographs, site)
    return scene, motions


def _of_a_real_camera(rng: Rng, drawn: Nuisances, frames: int) -> Nuisances:
    """Return nuisances with a rolling shutter, motion blur and an exposure that wanders, often."""
    blurred = drawn.shutter_s > 0 or chance(rng, 0.4)
    gain = drawn.gain
    if gain is None and chance(rng, 0.2):
        change = log_uniform(rng, 0.02, 0.3) * wander(rng, frames, 1, log_uniform(rng, 4, 30))
        gain = curve(np.exp(np.clip(change, -0.7, 0.7)))
    return replace(
        drawn,
        shutter_s=0.0,
        smear_s=rng.uniform(0.1, 0.8) / FPS if blurred else 0.0,
        readout_s=rng.uniform(0.1, 0.6) / FPS if chance(rng, 0.45) else 0.0,
        gain=gain,
    )


def _photographed(
    rng: Rng,
    scene: Scene,
    motions: tuple[str, ...],
    photographs: PhotographFolder,
    site: Site,
) -> tuple[Scene, tuple[str, ...]]:
    files = photographs.paths()
    movers, plants = photographs.paths("mover"), photographs.paths("plant")
    scene = dressed(rng, scene, files)
    if movers:
        scene, motions = with_moving_cards(rng, scene, motions, movers)
    added = standing_cards(rng, site, movers, plants) if movers else []
    if chance(rng, 0.4):
        added.append(scenery(rng, files, site))
    return replace(scene, bodies=(*scene.bodies, *added)), motions
