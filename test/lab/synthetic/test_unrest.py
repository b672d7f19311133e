"""What moves without being a mover: it changes the image, and not the ground truth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from motion_seg_ros.lab.synthetic.renderer import RenderedFrame, Renderer
from motion_seg_ros.lab.synthetic.scene import (
    Body,
    Camera,
    Dapple,
    Light,
    Material,
    Nuisances,
    Panel,
    Puff,
    Scene,
    Stir,
)
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import Placement, Trajectory

GREY = Texture("plain", ((128, 128, 128), (128, 128, 128)))
ROUGH = Texture("noise", ((20, 20, 20), (230, 230, 230)), seed=3)
FLAT = Light(ambient=1.0, direct=0.0)


def wall(look: Material, distance_m: float = 4.0, side_m: float = 20.0) -> Body:
    return Body((Panel((side_m, side_m), look),), Trajectory.still(Placement(z=distance_m)))


def mover(distance_m: float) -> Body:
    going = Trajectory.through([(0.0, Placement(z=distance_m)), (1.0, Placement(1, z=distance_m))])
    return Body((Panel((1.0, 1.0), Material(GREY)),), going, instance=1)


def scene(*bodies: Body, **more: object) -> Scene:
    return Scene("unrest", Camera(160, 120, 60.0), bodies, light=FLAT, **more)  # type: ignore[arg-type]


def same_truth(one: RenderedFrame, other: RenderedFrame) -> bool:
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("instances", "moving", "depth_m")
    )


def test_a_stirred_texture_drifts_as_fast_as_it_says() -> None:
    """0.5 tiles of 1 m per second, at 15 frames/s, 4 m away: 1.15 px per frame to the right."""
    look = Material(ROUGH, 1.0, stir=Stir(drift=(-0.5, 0.0)))
    renderer = Renderer(scene(wall(look)))
    first, later = renderer.render(3), renderer.render(7)
    grey = [cv2.cvtColor(each.image_bgr, cv2.COLOR_BGR2GRAY) for each in (first, later)]
    shift, _ = cv2.phaseCorrelate(*(each.astype(np.float64) for each in grey))
    focal = float(renderer.scene.camera.matrix(0.0)[0, 0])
    np.testing.assert_allclose(shift, (0.5 * 4 / 15 * focal / 4, 0), atol=0.2)
    assert same_truth(first, later)
    assert not later.moving.any()


def test_waves_shift_a_texture_to_and_fro_and_stay_where_they_are() -> None:
    look = Material(ROUGH, 1.0, stir=Stir(amplitude=(0.1, 0.1), frequency_hz=1.0))
    renderer = Renderer(scene(wall(look)))
    first, half, whole = (renderer.render(each).image_bgr.astype(int) for each in (0, 7, 15))
    assert np.abs(first - half).mean() > 5
    u, v = np.meshgrid(np.linspace(0, 3, 50), np.linspace(0, 3, 50))
    moved = [look.stir.moved(u, v, time) for time in np.linspace(0, 10, 41) if look.stir]
    assert max(np.abs(each[0] - u).max() for each in moved) < 0.1001
    assert np.abs(first - whole).mean() > 1  # the waves along v have another period


def test_smoke_hides_what_is_behind_it_and_not_what_is_before_it() -> None:
    puff = Puff((0.0, 0.0, 3.0), (0.0, 0.0, 0.0), 0.6, 0.0, 1.0, (255, 0, 0))
    for distance, hidden in ((6.0, True), (1.5, False)):
        plain = scene(wall(Material(GREY), 8.0), mover(distance))
        clear = Renderer(plain).render(0)
        smoky = Renderer(replace(plain, smoke=(puff,))).render(0)
        middle = smoky.image_bgr[58:62, 78:82].astype(int)
        assert ((middle[..., 0] - middle[..., 2]).min() > 100) == hidden
        assert same_truth(clear, smoky)
        assert (smoky.instances[60, 80], bool(smoky.moving[60, 80])) == (1, True)


def test_smoke_ends_at_its_radius_and_drifts() -> None:
    puff = Puff((0.0, 0.0, 3.0), (0.6, 0.0, 0.0), 0.5, 0.0, 0.8, (0, 0, 255))
    renderer = Renderer(scene(wall(Material(GREY), 8.0), smoke=(puff,)))
    clear = Renderer(scene(wall(Material(GREY), 8.0))).render(0).image_bgr.astype(int)
    focal = float(renderer.scene.camera.matrix(0.0)[0, 0])
    y, x = np.mgrid[:120, :160]
    centres = []
    for index in (0, 15):
        changed = np.abs(renderer.render(index).image_bgr.astype(int) - clear).max(axis=2) > 3
        at = 79.5 + 0.6 * index / 15 * focal / 3
        outside = np.hypot(x - at, y - 59.5) > 0.5 * focal / 3 + 1
        assert not changed[outside].any()
        assert changed.sum() > 300
        centres.append(x[changed].mean())
    np.testing.assert_allclose(centres[1] - centres[0], 0.6 * focal / 3, atol=3)


def test_dappled_light_moves_over_standing_things() -> None:
    dapple = Dapple(2.0, drift_m_s=(1.0, 0.0), strength=0.6)
    lit = replace(scene(wall(Material(GREY)), mover(2.0)), light=replace(FLAT, dapple=dapple))
    renderer = Renderer(lit)
    first, later = renderer.render(1), renderer.render(11)
    plain = Renderer(scene(wall(Material(GREY)), mover(2.0))).render(1)
    assert same_truth(first, plain)
    share = first.image_bgr / np.maximum(plain.image_bgr, 1)
    assert share.max() <= 1.01
    assert 0.35 < share.min() < 0.7
    still = (first.instances == 0) & (later.instances == 0)
    assert np.abs(first.image_bgr.astype(int) - later.image_bgr)[still].mean() > 5


def test_the_cheap_blur_is_like_the_exact_one() -> None:
    """Under a panning camera, before a wall and beside a mover that the camera does not follow."""
    pan = Trajectory.through([(0.0, Placement()), (1.0, Placement(yaw=0.9))])
    camera = Camera(160, 120, 60.0, pan)
    look = Material(ROUGH, 2.0)
    base = Scene("blur", camera, (wall(look, 6.0, 60.0), mover(4.0)), light=FLAT)
    exact, cheap, sharp = (
        Renderer(replace(base, nuisances=how)).render(4)
        for how in (Nuisances(shutter_s=0.03), Nuisances(smear_s=0.03), Nuisances())
    )
    assert same_truth(cheap, sharp)

    def difference(one: RenderedFrame, other: RenderedFrame) -> float:
        return float(np.abs(one.image_bgr.astype(int) - other.image_bgr).mean())

    assert difference(cheap, exact) < 0.5 * difference(sharp, exact)


def test_a_fast_mover_smears_over_the_standing_world_beside_it() -> None:
    going = Trajectory.through([(0.0, Placement(-2, z=4)), (1.0, Placement(6, z=4))])
    white = Texture("plain", ((255, 255, 255), (255, 255, 255)))
    black = Texture("plain", ((0, 0, 0), (0, 0, 0)))
    body = Body((Panel((1.0, 1.0), Material(white)),), going, instance=1)
    blurred = replace(scene(wall(Material(black), 8.0), body), nuisances=Nuisances(smear_s=1 / 30))
    frame = Renderer(blurred).render(4)
    row = frame.image_bgr[60, :, 0].astype(int)
    inside = np.flatnonzero(frame.instances[60] == 1)
    way = 8.0 / 30 * float(blurred.camera.matrix(0.0)[0, 0]) / 4
    lit = np.flatnonzero(row > 20)
    # Half its way on either side, to within what seven samples resolve.
    assert abs((inside[0] - lit[0]) - way / 2) < 2.5
    assert abs((lit[-1] - inside[-1]) - way / 2) < 2.5
    assert row[inside[len(inside) // 2]] == 255
