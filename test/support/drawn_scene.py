"""Flat things that move over a flat ground, with exact masks and exact tracks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from motion_seg_ros import camera
from motion_seg_ros.geometry.motion import WindowGeometry
from motion_seg_ros.masks.base import MaskBackend
from motion_seg_ros.types import (
    BoolArray,
    FloatArray,
    Frame,
    Int64Array,
    ObjectMasks,
    TrackLabels,
    Tracks,
    UInt8Array,
    UInt16Array,
)
from motion_seg_ros.window import SlidingWindow

STEP_NS = 50_000_000
GROUND_SPACING, BODY_SPACING = 10, 4
MOVED_LATELY = 3  # frames in which a thing must have changed place to be labelled moving

Path = Callable[[int], tuple[float, float]]


def straight(x: float, y: float, step_x: float = 0, step_y: float = 0) -> Path:
    """From (x, y) in frame 0, by a step each frame."""
    return lambda t: (x + step_x * t, y + step_y * t)


@dataclass(frozen=True)
class Thing:
    """A box that moves, `size` = (width, height), or a disc as wide as that; it is drawn in front
    of those before it in the list."""

    path: Path
    size: tuple[int, int] = (30, 30)
    disc: bool = False
    colour: tuple[int, int, int] = (40, 40, 200)

    def centre(self, t: int) -> tuple[int, int]:
        x, y = self.path(t)
        return round(x), round(y)

    def covers(self, xy: FloatArray) -> BoolArray:
        """(...,) bool, whether offsets (..., 2) from its centre are on it."""
        half = np.array(self.size) / 2
        inside = np.abs(xy) < half
        if self.disc:
            return np.asarray(np.hypot(xy[..., 0], xy[..., 1]) < half[0])
        return np.asarray(inside.all(axis=-1))

    def moves(self, t: int) -> bool:
        places = {self.centre(each) for each in range(max(0, t - MOVED_LATELY), t + 1)}
        return len(places) > 1


class ShownScene(Protocol):
    """Numbered things before a ground, whose number is 0.

    Attributes:
        size: (H, W) of the image.
        numbers: (N,) of the thing that each of N points is fixed to.
    """

    size: tuple[int, int]
    numbers: Int64Array

    def regions(self, t: int) -> UInt16Array:
        """(H, W) the number of what is seen."""
        ...

    def moving(self, t: int) -> BoolArray:
        """(K + 1,) bool, whether each thing moves; the ground is the first."""
        ...

    def frame(self, t: int) -> Frame: ...

    def look(self, t: int) -> tuple[FloatArray, BoolArray]:
        """(N, 2) and (N,): where all points are in a frame, and whether they are seen."""
        ...

    def centre(self, number: int, t: int) -> tuple[int, int]:
        """x, y of a thing."""
        ...


def truth(scene: ShownScene, t: int) -> UInt16Array:
    """(H, W) the number of the moving thing that is seen; 0 = none."""
    regions = scene.regions(t)
    return np.where(scene.moving(t)[regions], regions, 0).astype(np.uint16)


class DrawnScene:
    """Things by the order in which they hide each other; thing k is number k + 1."""

    def __init__(self, things: list[Thing], size: tuple[int, int] = (96, 128)) -> None:
        self.things, self.size = things, size
        self._regions: dict[int, UInt16Array] = {}
        points = [_grid(size, GROUND_SPACING)]
        for thing in things:
            box = _grid((thing.size[1] * 2, thing.size[0] * 2), BODY_SPACING)
            offsets = box - np.array(thing.size, np.float32)
            points.append(offsets[thing.covers(offsets)])
        self.numbers = np.repeat(np.arange(len(points)), [len(each) for each in points])
        self._offsets = np.concatenate(points)

    def regions(self, t: int) -> UInt16Array:
        if t not in self._regions:
            regions = np.zeros(self.size, np.uint16)
            for number in range(1, len(self.things) + 1):
                regions[self._full(number, t)] = number
            self._regions[t] = regions
        return self._regions[t]

    def moving(self, t: int) -> BoolArray:
        return np.array([False, *(thing.moves(t) for thing in self.things)])

    def frame(self, t: int) -> Frame:
        colours: UInt8Array = np.array(
            [(120, 120, 120), *(thing.colour for thing in self.things)], np.uint8
        )
        return Frame(colours[self.regions(t)], t * STEP_NS)

    def look(self, t: int) -> tuple[FloatArray, BoolArray]:
        centres = np.array([(0, 0), *(thing.centre(t) for thing in self.things)], np.float32)
        xy = self._offsets + centres[self.numbers]
        pixel = np.rint(xy).astype(np.int64)
        height, width = self.size
        seen = (pixel >= 0).all(axis=1) & (pixel < [width, height]).all(axis=1)
        x, y = pixel[seen].T
        seen[seen] = self.regions(t)[y, x] == self.numbers[seen]
        return xy, seen

    def centre(self, number: int, t: int) -> tuple[int, int]:
        return self.things[number - 1].centre(t)

    def _full(self, number: int, t: int) -> BoolArray:
        """(H, W) all of a thing, as if nothing hid it."""
        thing = self.things[number - 1]
        x, y = thing.centre(t)
        reach = max(thing.size) // 2
        top, bottom = np.clip((y - reach, y + reach + 1), 0, self.size[0])
        left, right = np.clip((x - reach, x + reach + 1), 0, self.size[1])
        offsets = np.mgrid[top:bottom, left:right][::-1].transpose(1, 2, 0) - (x, y)
        mask = np.zeros(self.size, bool)
        mask[top:bottom, left:right] = thing.covers(offsets.astype(np.float32))
        return mask


class Camera:
    """Shows a scene frame by frame to a mask backend, with the tracks of its points.

    Args:
        scene: what is shown.
        backend: what looks at it.
        window: frames in a window.
        wrong: share of the tracks whose label is wrong, always the same ones.
        label: replaces the true labels: frame, numbers of the points' things -> probabilities.
    """

    def __init__(
        self,
        scene: ShownScene,
        backend: MaskBackend,
        *,
        window: int = 16,
        wrong: float = 0.0,
        label: Callable[[int, Int64Array], FloatArray] | None = None,
    ) -> None:
        self.scene, self.backend, self.label = scene, backend, label
        self.frames = SlidingWindow(window, 1e9, 0.0)
        self.t = -1
        count = len(scene.numbers)
        self._flipped = np.random.default_rng(5).random(count) < wrong
        self._looks: list[tuple[FloatArray, BoolArray]] = []
        self._lives = np.zeros(count, np.int64)
        self._in_window = np.zeros(count, bool)

    def show(self) -> ObjectMasks:
        """The next frame."""
        self.t += 1
        window = self.frames.push(self.scene.frame(self.t))
        self._looks = [*self._looks, self.scene.look(self.t)][-len(window) :]
        xy, visible = (np.stack(each) for each in zip(*self._looks, strict=True))
        some = visible.any(axis=0)
        self._lives[some & ~self._in_window] += 1  # what has left the window comes back as new
        self._in_window = some
        ids = self._lives * len(some) + np.arange(len(some))
        order = np.flatnonzero(some)
        order = order[np.argsort(ids[order])]
        tracks = Tracks(
            ids[order],
            xy[:, order],
            visible[:, order],
            visible[:, order].astype(np.float32),
            np.zeros(len(order), np.int64),
        )
        geometry = WindowGeometry.unknown(
            camera.Camera.guessed(window.newest.size), len(tracks), "not asked"
        )
        return self.backend.segment(window, tracks, self._labels(order), geometry)

    def run(self, frames: int) -> Iterator[tuple[int, ObjectMasks]]:
        """The next frames, each with its number."""
        for _ in range(frames):
            masks = self.show()
            yield self.t, masks

    def _labels(self, order: Int64Array) -> TrackLabels:
        numbers = self.scene.numbers[order]
        if self.label is not None:
            return TrackLabels(self.label(self.t, numbers))
        moves = self.scene.moving(self.t)[numbers] != self._flipped[order]
        return TrackLabels(np.where(moves, 0.9, 0.1).astype(np.float32))


def _grid(size: tuple[int, int], spacing: int) -> FloatArray:
    y, x = np.mgrid[spacing // 2 : size[0] : spacing, spacing // 2 : size[1] : spacing]
    return np.stack((x.ravel(), y.ravel()), axis=1).astype(np.float32)


class IdBook:
    """Ids that each thing has had; complains where a mask is not the thing, or an id changes."""

    def __init__(self) -> None:
        self.ids: dict[int, int] = {}

    def steady(self, masks: ObjectMasks, truth: UInt16Array, at: int) -> None:
        """All that was found is on one thing each, always the same one; some may be missing."""
        for each in masks.objects:
            numbers = np.unique(truth[masks.id_map == each.id])
            assert len(numbers) == 1, f"frame {at}: object {each.id} is on {numbers}"
            number = int(numbers[0])
            assert number > 0, f"frame {at}: object {each.id} is on what does not move"
            known = self.ids.setdefault(number, each.id)
            assert known == each.id, f"frame {at}: thing {number} was {known}, is {each.id}"
        assert len(set(self.ids.values())) == len(self.ids), f"frame {at}: {self.ids}"

    def check(self, masks: ObjectMasks, truth: UInt16Array, at: int) -> None:
        """The masks of a frame are the truth's but for what the ids are."""
        assert np.array_equal(masks.id_map > 0, truth > 0), f"frame {at}: other pixels move"
        for number in np.unique(truth[truth > 0]):
            found = np.unique(masks.id_map[truth == number])
            assert len(found) == 1, f"frame {at}: thing {number} is divided: {found}"
        self.steady(masks, truth, at)


def connected(mask: BoolArray, x: int, y: int) -> BoolArray:
    """(H, W) the connected part of a mask that (x, y) is on."""
    _, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    return np.asarray(mask & (parts == parts[y, x]))


def crowd(count: int, seed: int) -> DrawnScene:
    """Movers that start at different places with different velocities, and cross."""
    rng = np.random.default_rng(seed)
    size = (192, 256)
    cells = rng.permutation(12)[:count]
    angles = rng.permutation(count) * 2 * np.pi / count + rng.random() * 0.5
    things = []
    for k in range(count):
        x, y = 32 + 64 * (cells[k] % 4), 32 + 64 * (cells[k] // 4)
        speed = rng.uniform(1.5, 3.0)
        path = straight(x, y, speed * np.cos(angles[k]), speed * np.sin(angles[k]))
        width, height = rng.integers(26, 40, 2)
        colour = tuple(int(each) for each in rng.integers(0, 256, 3))
        things.append(Thing(path, (int(width), int(height)), bool(rng.integers(2)), colour))  # type: ignore[arg-type]
    return DrawnScene(things, size)
