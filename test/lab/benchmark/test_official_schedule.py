"""The authors' schedule asks the networks for exactly what its description counts."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import numpy as np
import pytest

from motion_seg_ros.types import FloatArray, Frame, Tracks, UInt8Array
from motion_seg_ros.window import Window

torch = pytest.importorskip("torch", reason="torch: not installed")
from motion_seg_ros.lab.benchmark.official_schedule import (  # noqa: E402
    STAGES,
    OfficialNetworks,
    OfficialSettings,
    run_official,
)
from motion_seg_ros.labelling.official.network import (  # noqa: E402
    OfficialInputs,
    OfficialOutputs,
)

HEIGHT, WIDTH = 32, 48
FRAMES = 21
SIDE = 16
SETTINGS = OfficialSettings(step=10, grid_points=300, most_tracks=150, objects=2)
QUERY_FRAMES = 3  # 0, 10, 20
GRID = 16 * 24  # every second pixel: floor(sqrt(32 * 48 / 300)) = 2


class Networks:
    """All of them, who note what they are asked."""

    side = SIDE

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.chunks: list[tuple[int, int]] = []  # query frame, points
        self.queries: list[FloatArray] = []
        self.clips: set[tuple[int, ...]] = set()
        self.described: list[int] = []
        self.inputs: list[OfficialInputs] = []
        self.kept: set[int] = set()
        self.memories: list[list[tuple[int, bool, bool]]] = []

    def model(self, video: Any, points: Any) -> dict[str, Any]:
        self.clips.add(tuple(video.shape))
        (query_frame,) = set(points[0, :, 0].tolist())
        self.chunks.append((int(query_frame), points.shape[1]))
        self.queries.append(points[0].numpy())
        xy = points[0, :, [2, 1]][:, None].repeat(1, video.shape[1], 1)
        sure = torch.full(xy.shape[:2], -9.0)
        return {"tracks": xy[None], "occlusion": sure[None], "expected_dist": sure[None]}

    metric = False

    def inverse_depth(self, window: Window) -> list[FloatArray]:
        self.asked["depth"] += len(window)
        return [np.random.default_rng(0).random((8, 12), np.float32)]

    def extract(self, window: Window, tracks: Tracks) -> FloatArray:
        self.described += [window.newest_index] * len(tracks)
        return np.ones((len(tracks), 24), np.float32)

    def reset(self) -> None:
        self.asked["features forgotten"] += 1

    def __call__(self, inputs: OfficialInputs) -> OfficialOutputs:
        self.inputs.append(inputs)
        count = inputs.traj.shape[2]
        nothing = torch.zeros(1, 1, count)
        return OfficialOutputs(nothing, nothing, nothing, nothing)

    def encode(self, position: int, image_bgr: UInt8Array) -> None:
        assert not self.kept, "nothing is cached"
        self.asked["encode"] += 1
        self.kept.add(position)

    def forget(self, position: int) -> None:
        self.kept.remove(position)

    def new_memory(self) -> Memory:
        self.memories.append([])
        return Memory(self, self.memories[-1])


class Memory:
    def __init__(self, networks: Networks, calls: list[tuple[int, bool, bool]]) -> None:
        self._networks = networks
        self._calls = calls

    def segment(
        self, position: int, size: tuple[int, int], xy_px: FloatArray | None, *, remember: bool
    ) -> FloatArray:
        assert self._networks.kept == {position}
        assert size == (HEIGHT, WIDTH)
        self._calls.append((position, xy_px is not None, remember))
        return np.zeros(size, np.float32)


def run(networks: Networks, **left_out: None) -> dict[str, float]:
    chosen = {"tracker": networks, "depth": networks, "features": networks, **left_out}
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return run_official(
        OfficialNetworks(
            **cast(Any, chosen),
            labeller=cast(Any, networks),
            masks=networks,
            device=torch.device("cpu"),
            dtype=torch.float32,
        ),
        SETTINGS,
        [Frame(image, t) for t in range(FRAMES)],
    )


def test_all_is_asked_that_is_counted() -> None:
    networks = Networks()
    ms = run(networks)
    assert tuple(ms) == STAGES
    assert all(each > 0 for each in ms.values())
    # 384 points are 3 chunks of 128, for each of which the whole clip is gone through.
    assert networks.chunks == [(frame, 128) for frame in (0, 10, 20) for _ in range(3)]
    assert networks.clips == {(1, FRAMES, SIDE, SIDE, 3)}
    assert networks.asked["depth"] == FRAMES
    assert Counter(networks.described) == dict.fromkeys((0, 10, 20), GRID // QUERY_FRAMES)
    assert networks.asked["features forgotten"] == QUERY_FRAMES
    # One click for each object, then each forwards and backwards from the middle frame.
    middle = FRAMES // 2
    forwards = [(t, t == 0, True) for t in range(FRAMES - middle)]
    backwards = [(t, t == 0, True) for t in range(middle + 1)]
    assert networks.memories == [[(0, True, False)]] * 2 + [forwards, backwards] * 2
    assert networks.asked["encode"] == 2 * (1 + FRAMES + 1)


def test_the_points_are_a_grid_of_the_whole_image() -> None:
    networks = Networks()
    run(networks)
    first = np.concatenate(networks.queries[:3])
    np.testing.assert_allclose(first.min(axis=0), [0, 0, 0])
    bottom, right = (30 / 31 * (SIDE - 1), 46 / 47 * (SIDE - 1))
    np.testing.assert_allclose(first.max(axis=0), [0, bottom, right], rtol=1e-5)
    assert len(np.unique(first, axis=0)) == GRID


def test_what_reaches_the_authors_network() -> None:
    networks = Networks()
    run(networks)
    (inputs,) = networks.inputs
    count = SETTINGS.most_tracks  # of the 384 that are a third of all
    assert inputs.traj.shape == (1, 2, count, FRAMES)
    assert inputs.mask.shape == inputs.confi_value.shape == (1, 1, count, FRAMES)
    assert not inputs.mask.any(), "the tracker is sure of all"
    assert inputs.depth.shape == (1, 1, HEIGHT, WIDTH, FRAMES)
    assert inputs.dino.shape == (1, 768, count, 1)
    assert inputs.dino[0, :24].eq(1).all()
    assert inputs.dino[0, 24:].eq(0).all()
    # Points stay where they are, so that they are on the grid in [-1, 1].
    x = (inputs.traj[0, 0].numpy() + 1) / 2 * WIDTH
    np.testing.assert_allclose(x, 2 * np.rint(x / 2), atol=1e-3)
    assert x.std(axis=1).max() < 1e-3


def test_stages_that_are_left_out() -> None:
    networks = Networks()
    run(networks, tracker=None, depth=None, features=None)
    assert not networks.chunks
    assert not networks.described
    assert networks.asked.keys() == {"encode"}
    assert networks.inputs[0].traj.shape[2] == SETTINGS.most_tracks


def test_prompts_every_so_many_frames() -> None:
    networks = Networks()
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    run_official(
        OfficialNetworks(
            None, None, None, cast(Any, networks), networks, torch.device("cpu"), torch.float32
        ),
        OfficialSettings(objects=1, prompt_interval=4, grid_points=50),
        [Frame(image, t) for t in range(FRAMES)],
    )
    forwards = networks.memories[1]
    assert [position for position, clicked, _ in forwards if clicked] == [0, 4, 8]
