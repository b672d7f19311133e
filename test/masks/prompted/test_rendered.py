"""The streaming mask stage on rendered scenes, over a segmenter that knows their truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawn_scene import Camera, IdBook, truth
from oracle_segmenter import OracleSegmenter
from prompted_masks import prompted

from motion_seg_ros.lab.synthetic.renderer import RenderedFrame, Renderer
from motion_seg_ros.lab.synthetic.scene import Body, Box, Material, Scene
from motion_seg_ros.lab.synthetic.scenes import crossing_movers, mover_stops, mover_under_parallax
from motion_seg_ros.lab.synthetic.textures import Texture
from motion_seg_ros.lab.synthetic.trajectory import Placement, Trajectory
from motion_seg_ros.lab.synthetic.truth import GroundTruth
from motion_seg_ros.types import BoolArray, FloatArray, Frame, UInt16Array

SIZE = (192, 144)  # width, height
FRAMES = 32
SEED_EVERY = 4  # frames
SPACING_PX = 6
MIN_PIXELS = 300  # of a thing that must be found


class RenderedScene:
    """See drawn_scene.ShownScene; points are seeded every few frames on a grid."""

    def __init__(self, scene: Scene) -> None:
        self._renderer = Renderer(scene)
        self._truth = GroundTruth(scene, self._renderer.geometry)
        self._frames: dict[int, RenderedFrame] = {}
        width, height = scene.camera.width, scene.camera.height
        self.size = height, width
        self._count = max(body.instance for body in scene.bodies)
        start = SPACING_PX / 2
        grid = np.mgrid[start:height:SPACING_PX, start:width:SPACING_PX][::-1].reshape(2, -1).T
        frames = range(scene.frames)
        seeds = range(0, scene.frames, SEED_EVERY)
        tracks = [self._truth.tracks(grid, seed, frames) for seed in seeds]
        seen = [
            each.visible & (np.arange(scene.frames) >= seed)[:, None]
            for each, seed in zip(tracks, seeds, strict=True)
        ]
        self._xy = np.concatenate([each.xy_px for each in tracks], axis=1).astype(np.float32)
        self._visible = np.concatenate(seen, axis=1)
        self.numbers = np.concatenate([self._truth.instances(grid, seed) for seed in seeds])

    def rendered(self, t: int) -> RenderedFrame:
        if t not in self._frames:
            self._frames[t] = self._renderer.render(t)
        return self._frames[t]

    def regions(self, t: int) -> UInt16Array:
        return self.rendered(t).instances

    def moving(self, t: int) -> BoolArray:
        return np.isin(np.arange(self._count + 1), sorted(self._truth.geometry.moving_instances(t)))

    def frame(self, t: int) -> Frame:
        return Frame(self.rendered(t).image_bgr, self.rendered(t).stamp_ns)

    def look(self, t: int) -> tuple[FloatArray, BoolArray]:
        return self._xy[t], self._visible[t]

    def centre(self, number: int, t: int) -> tuple[int, int]:
        y, x = np.nonzero(self.regions(t) == number)
        return round(float(x.mean())), round(float(y.mean()))


def with_movers(count: int, seed: int) -> Scene:
    """Boxes that cross at different depths before a camera that walks past static things."""
    rng = np.random.default_rng(seed)
    scene = mover_under_parallax(seed, SIZE, FRAMES)
    seconds = FRAMES / scene.fps
    movers = []
    for k in range(count):
        depth = 3.0 + 0.6 * k
        speed = (1 if k % 2 else -1) * rng.uniform(0.5, 0.9)
        start = Placement(-speed * seconds / 2 + rng.uniform(-0.4, 0.4), -0.5, depth)
        end = start._replace(x=start.x + speed * seconds)
        colours = tuple(tuple(int(v) for v in rng.integers(30, 230, 3)) for _ in range(2))
        material = Material(Texture("speckle", colours, 5, 0.3, k), 0.8)  # type: ignore[arg-type]
        path = Trajectory.through([(0.0, start), (seconds, end)])
        box = Box((0.15 * depth, 0.2 * depth, 0.3), material)
        movers.append(Body((box,), path, k + 1))
    world = [body for body in scene.bodies if body.instance == 0]
    return replace(scene, bodies=(*world, *movers))


@pytest.mark.parametrize("count", range(1, 9))
def test_movers_before_a_walking_camera(count: int) -> None:
    scene = RenderedScene(with_movers(count, seed=count))
    backend = prompted(OracleSegmenter(scene))
    book = IdBook()
    ever = np.zeros(count + 1, bool)
    for t, masks in Camera(scene, backend, wrong=0.05).run(FRAMES):
        areas = np.bincount(truth(scene, t).ravel(), minlength=count + 1)
        ever |= areas >= MIN_PIXELS
        book.steady(masks, truth(scene, t), t)
        if t >= 24:
            book.check(masks, truth(scene, t), t)
    assert book.ids.keys() >= set(np.flatnonzero(ever[1:]) + 1)


@pytest.mark.parametrize("make", [crossing_movers, mover_under_parallax])
def test_scenes_with_one_property(make) -> None:  # type: ignore[no-untyped-def]
    scene = RenderedScene(make(3, SIZE, FRAMES))
    book = IdBook()
    for t, masks in Camera(scene, prompted(OracleSegmenter(scene, ground=False))).run(FRAMES):
        book.steady(masks, truth(scene, t), t)
        if t >= 8:
            book.check(masks, truth(scene, t), t)


def test_a_mover_that_stops_is_static_after_a_while() -> None:
    scene = RenderedScene(mover_stops(3, SIZE, FRAMES))
    backend = prompted(OracleSegmenter(scene), static_after=4)
    present = [bool(masks.objects) for _, masks in Camera(scene, backend).run(FRAMES)]
    stopped = next(t for t in range(1, FRAMES) if not scene.moving(t).any())
    assert all(present[8:stopped])
    assert not any(present[stopped + 4 :])
