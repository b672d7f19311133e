"""Clips of random scenes, in the sizes of working images and at two frame rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.lab.training.simulation.random_motion import Rng, chance
from motion_seg_ros.lab.training.simulation.scene_sampler import SampledScene, sample_scene
from motion_seg_ros.types import UInt8Array

# Heights and widths of working images, with their shares; set by hand.
SIZES = {
    (240, 427): 0.54,
    (130, 427): 0.06,
    (240, 320): 0.12,
    (180, 320): 0.08,
    (320, 427): 0.07,
    (427, 240): 0.07,
    (240, 240): 0.06,
}
HALF_RATE = 0.15  # share of clips that show every other frame of their scene; set by hand


@dataclass(frozen=True, eq=False)
class SceneClip:
    """Some frames of a random scene.

    Attributes:
        sampled: the scene.
        frames: frames of the scene that are shown.
    """

    sampled: SampledScene
    frames: range

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width in pixels."""
        camera = self.sampled.scene.camera
        return camera.height, camera.width

    def decoder(self) -> Callable[[UInt8Array], UInt8Array]:
        """Return what makes of each image (H, W, 3), in turn, what the video shows of it."""
        how = self.sampled.compression
        return np.asarray if how is None else how.coder().decoded

    def window(self, index: int, length: int) -> range:
        """Return the scene's frames in the window that ends at an index within the clip."""
        return self.frames[max(0, index + 1 - length) : index + 1]


def random_clip(
    rng: Rng,
    seed: int,
    kind: str | None,
    frames: int,
    of_sizes: Mapping[tuple[int, int], float] = SIZES,
    lifelike: Lifelike | None = None,
) -> SceneClip:
    """Draw a clip of a random scene.

    Args:
        rng: determines size and frame rate.
        seed: determines the scene.
        kind: of the scene, as in `sample_scene`.
        frames: of the clip.
        of_sizes: heights and widths with their shares.
        lifelike: as in `sample_scene`.
    """
    sizes, shares = list(of_sizes), np.array(list(of_sizes.values()))
    size_px = sizes[int(rng.choice(len(sizes), p=shares / shares.sum()))]
    stride = 2 if chance(rng, HALF_RATE) else 1
    sampled = sample_scene(
        seed, kind=kind, frames=stride * frames, size_px=size_px, lifelike=lifelike
    )
    return SceneClip(sampled, range(0, stride * frames, stride))
