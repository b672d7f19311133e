"""Lifelike scenes: repeatable, with the photographs they are given, and kept apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from photographs import photograph_folder

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.synthetic.photograph import CutOut, Photograph
from motion_seg_ros.lab.synthetic.renderer import Renderer
from motion_seg_ros.lab.synthetic.scene import Scene
from motion_seg_ros.lab.training.masks.dataset import SETTINGS_FILE, build_mask_dataset
from motion_seg_ros.lab.training.simulation.dataset import build_dataset
from motion_seg_ros.lab.training.simulation.lifelike import Lifelike
from motion_seg_ros.lab.training.simulation.rendered import rendered_clip
from motion_seg_ros.lab.training.simulation.scene_sampler import sample_scene

SMALL = (120, 214)


@pytest.fixture(scope="module")
def lifelike(tmp_path_factory: pytest.TempPathFactory) -> Lifelike:
    return Lifelike.of(photograph_folder(tmp_path_factory.mktemp("photographs"), seed=0))


def textures(scene: Scene) -> list[object]:
    return [each.material.texture for body in scene.bodies for each in body.shapes]


def test_the_same_seed_and_photographs_give_the_same_scene(lifelike: Lifelike) -> None:
    for seed in (3, 4):
        one = sample_scene(seed, lifelike=lifelike)
        assert one.scene == sample_scene(seed, lifelike=lifelike).scene
        assert one.motions == sample_scene(seed, lifelike=lifelike).motions


def test_without_it_scenes_have_no_photographs_and_with_it_most_have(lifelike: Lifelike) -> None:
    plain = [sample_scene(seed, size_px=SMALL).scene for seed in range(12)]
    assert all(not isinstance(each, Photograph) for scene in plain for each in textures(scene))
    drawn = [sample_scene(seed, size_px=SMALL, lifelike=Lifelike()).scene for seed in range(12)]
    assert all(
        not isinstance(each, Photograph | CutOut) for scene in drawn for each in textures(scene)
    )
    with_them = [sample_scene(seed, size_px=SMALL, lifelike=lifelike).scene for seed in range(24)]
    shares = [
        np.mean([isinstance(each, Photograph | CutOut) for each in textures(scene)])
        for scene in with_them
    ]
    assert np.mean(np.array(shares) > 0.3) > 0.6
    assert min(shares) < 0.3


def test_cards_move_and_stand_and_the_truth_knows(lifelike: Lifelike) -> None:
    moving = standing = 0
    for seed in range(40):
        sampled = sample_scene(seed, size_px=SMALL, lifelike=lifelike)
        movers = {body.instance for body in sampled.scene.bodies} - {0}
        assert movers == set(range(1, len(sampled.motions) + 1))
        for body in sampled.scene.bodies:
            if any(isinstance(each.material.texture, CutOut) for each in body.shapes):
                moving += body.instance > 0
                standing += body.instance == 0
                if body.instance:
                    kind = "rigid" if body.shapes[0].ripple is None else "deforming"
                    assert sampled.motions[body.instance - 1] == kind
    assert moving > 5
    assert standing > 10


def test_pictures_show_the_photographs(lifelike: Lifelike) -> None:
    """The one photograph of the folder is red, and nothing else is that red."""
    reds = []
    for seed in range(6):
        image = Renderer(sample_scene(seed, size_px=SMALL, lifelike=lifelike).scene).render(0)
        blue, green, red = np.moveaxis(image.image_bgr.astype(int), -1, 0)
        reds.append(((red > 1.2 * green + 8) & (red > 1.2 * blue + 8)).mean())
    assert np.median(reds) > 0.3


def test_clips_are_the_same_twice(lifelike: Lifelike) -> None:
    one, other = (rendered_clip(5, frames=3, window=3, lifelike=lifelike) for _ in range(2))
    for frame, again in zip(one, other, strict=True):
        np.testing.assert_array_equal(frame.image_bgr, again.image_bgr)
        np.testing.assert_array_equal(frame.moving, again.moving)


def test_mask_samples_of_other_photographs_are_refused(lifelike: Lifelike, tmp_path: Path) -> None:
    data = tmp_path / "data"
    build_mask_dataset(data, scenes=range(0), seed=0, workers=1, lifelike=lifelike)
    said = json.loads((data / SETTINGS_FILE).read_text())
    assert lifelike.photographs is not None
    assert said["photographs"] == lifelike.photographs.digest
    build_mask_dataset(data, scenes=range(0), seed=0, workers=1, lifelike=lifelike)
    other = Lifelike.of(photograph_folder(tmp_path / "other", seed=1))
    for another in (other, Lifelike()):
        with pytest.raises(InputError, match=r"expected the settings .*photographs.*found"):
            build_mask_dataset(data, scenes=range(0), seed=0, workers=1, lifelike=another)


def test_windows_of_other_photographs_are_refused(lifelike: Lifelike, tmp_path: Path) -> None:
    def build(how: Lifelike | None) -> None:
        build_dataset(
            tmp_path, windows=0, seed=0, workers=1, split="train", progress=False, lifelike=how
        )

    build(lifelike)
    build(lifelike)
    for another in (Lifelike(), None):
        with pytest.raises(InputError, match=r"train\.json: expected the settings"):
            build(another)
