"""DINOv2 at tracks, against a forward pass written out from the tensors of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends import dino_on_cpu
from tiny_networks import GRID, PATCH, transformers_library, write_dinov2

from motion_seg_ros.features import dino
from motion_seg_ros.networks.images import IMAGENET_MEAN, IMAGENET_STD
from motion_seg_ros.types import Frame, Tracks
from motion_seg_ros.window import SlidingWindow, Window

transformers_library()
import safetensors.numpy  # noqa: E402
import torch  # noqa: E402

SIDE = GRID * PATCH  # of the image that position codes need no stretching for
WIDTH, HEADS, LAYERS = 24, 3, 4  # of the toy
STRIDE = 7


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dinov2(tmp_path_factory.mktemp("dinov2"))


class WrittenOut:
    """A vision transformer in float64, from tensors by their published names."""

    def __init__(self, weights: Path) -> None:
        kept = safetensors.numpy.load_file(weights / "model.safetensors")
        self.kept = {name: values.astype(np.float64) for name, values in kept.items()}

    def linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.kept[f"{name}.weight"].T + self.kept[f"{name}.bias"]

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)
        return scaled * self.kept[f"{name}.weight"] + self.kept[f"{name}.bias"]

    def patches(self, bgr: np.ndarray, stride: int) -> np.ndarray:
        """(h, w, WIDTH): each patch of the image times the filter."""
        rgb = (bgr[..., ::-1] / 255 - IMAGENET_MEAN) / IMAGENET_STD
        name = "embeddings.patch_embeddings.projection"
        filters, bias = self.kept[f"{name}.weight"], self.kept[f"{name}.bias"]
        tops, lefts = (range(0, side - PATCH + 1, stride) for side in bgr.shape[:2])
        return np.array(
            [
                [
                    np.einsum("yxc,kcyx->k", rgb[y : y + PATCH, x : x + PATCH], filters) + bias
                    for x in lefts
                ]
                for y in tops
            ]
        )

    def codes(self) -> np.ndarray:
        """(GRID, GRID, WIDTH) position codes."""
        return self.kept["embeddings.position_embeddings"][0, 1:].reshape(GRID, GRID, WIDTH)

    def attention(self, x: np.ndarray, at: str) -> np.ndarray:
        name = f"{at}.attention.attention"
        q, k, v = (
            self.linear(x, f"{name}.{part}").reshape(len(x), HEADS, -1)
            for part in ("query", "key", "value")
        )
        logits = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(q.shape[-1])
        shares = np.exp(logits - logits.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        mixed = np.einsum("hij,jhd->ihd", shares, v).reshape(x.shape)
        return self.linear(mixed, f"{at}.attention.output.dense")

    def layer(self, x: np.ndarray, at: str) -> np.ndarray:
        scales = [self.kept[f"{at}.layer_scale{i}.lambda1"] for i in (1, 2)]
        x = x + scales[0] * self.attention(self.norm(x, f"{at}.norm1"), at)
        hidden = torch.from_numpy(self.linear(self.norm(x, f"{at}.norm2"), f"{at}.mlp.fc1"))
        hidden = torch.nn.functional.gelu(hidden).numpy()
        return x + scales[1] * self.linear(hidden, f"{at}.mlp.fc2")

    def tokens(self, grid: np.ndarray, codes: np.ndarray, layers: int) -> np.ndarray:
        """(1 + h w, WIDTH) after so many layers."""
        of_class = self.kept["embeddings.cls_token"][0]
        of_class = of_class + self.kept["embeddings.position_embeddings"][0, :1]
        x = np.concatenate([of_class, (grid + codes).reshape(-1, WIDTH)])
        for index in range(layers):
            x = self.layer(x, f"encoder.layer.{index}")
        return x


def stretched(codes: np.ndarray, length: int) -> np.ndarray:
    """The first axis of `codes` stretched to `length` by cubic convolution (Keys 1981, a = -0.75),
    as the authors do: by (length + 0.1) / its length."""
    scale = (length + 0.1) / len(codes)
    at = (np.arange(length) + 0.5) / scale - 0.5
    total = np.zeros((length, *codes.shape[1:]))
    for tap in range(-1, 3):
        index = np.floor(at).astype(int) + tap
        distance = np.abs(at - index)
        near = 1.25 * distance**3 - 2.25 * distance**2 + 1
        far = -0.75 * (distance**3 - 5 * distance**2 + 8 * distance - 4)
        share = np.where(distance <= 1, near, far)
        total += share[:, None, None] * codes[np.clip(index, 0, len(codes) - 1)]
    return total


def random_frame(height: int, width: int, seed: int = 0) -> Frame:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Frame(image, seed)


def one_frame(frame: Frame) -> Window:
    return SlidingWindow(2, 1.0, 0.0).push(frame)


def tracks_at(xy: Any, ids: Any = None, *, visible: Any = None, query_frame: Any = None) -> Tracks:
    """Tracks at positions `xy` (T, N, 2); by default visible always and seeded in frame 0."""
    positions = np.asarray(xy, np.float32)
    shape = positions.shape[:2]
    seen = np.ones(shape, bool) if visible is None else np.asarray(visible)
    seeded = np.zeros(shape[1], np.int64) if query_frame is None else np.asarray(query_frame)
    numbers = np.arange(shape[1]) if ids is None else np.asarray(ids)
    return Tracks(numbers, positions, seen, seen.astype(np.float32), seeded)


def test_tokens_are_those_written_out(weights: Path) -> None:
    frame = random_frame(SIDE, SIDE)
    reference = WrittenOut(weights)
    tokens = reference.tokens(reference.patches(frame.image_bgr, PATCH), reference.codes(), LAYERS)
    expected = reference.norm(tokens, "layernorm")[1:].reshape(GRID, GRID, WIDTH)
    backend = dino_on_cpu(weights, short_side_px=SIDE)
    assert backend.channels == WIDTH
    row, column = 2, 1
    x, y = (index * PATCH + (PATCH - 1) / 2 for index in (column, row))  # centre of that patch
    positions = [[x, y], [x + PATCH / 2, y], [x, y + PATCH / 4], [-5, -5], [500, SIDE]]
    found = backend.extract(one_frame(frame), tracks_at([positions]))
    here, right, below = (expected[at] for at in ((2, 1), (2, 2), (3, 1)))
    mixed = [here, (here + right) / 2, 0.75 * here + 0.25 * below, expected[0, 0], expected[3, 3]]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, mixed, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("official", [False, True])
def test_half_precision_says_nearly_the_same(
    weights: Path, monkeypatch: pytest.MonkeyPatch, official: bool
) -> None:
    def described(dtype: str) -> np.ndarray:
        settings: dict[str, Any] = {"short_side_px": SIDE, "official": official, "dtype": dtype}
        backend = dino_on_cpu(weights, **settings)
        positions = np.random.default_rng(0).uniform(0, SIDE, (1, 30, 2))
        return backend.extract(one_frame(random_frame(SIDE, SIDE)), tracks_at(positions))

    full, half = described("float32"), described("bfloat16")
    assert not np.array_equal(full, half)
    assert np.corrcoef(full.ravel(), half.ravel())[0, 1] > 0.99
    # With weights that are cast when they are used it is the same to the last bit.
    monkeypatch.setattr(dino, "cast_weights", lambda *_: None)
    np.testing.assert_array_equal(described("bfloat16"), half)


def test_official_keys_are_those_written_out(weights: Path) -> None:
    height, width = 4 * PATCH, 6 * PATCH
    frame = random_frame(height, width)
    reference = WrittenOut(weights)
    grid = reference.patches(frame.image_bgr, STRIDE)
    rows, columns = grid.shape[:2]
    assert (rows, columns) == (7, 11)
    codes = stretched(reference.codes(), rows).swapaxes(0, 1)
    codes = stretched(codes, columns).swapaxes(0, 1)
    tokens = reference.tokens(grid, codes, LAYERS - 1)
    last = f"encoder.layer.{LAYERS - 1}"
    keys = reference.linear(
        reference.norm(tokens, f"{last}.norm1"), f"{last}.attention.attention.key"
    )[1:].reshape(rows, columns, HEADS, WIDTH // HEADS)
    x, y = np.meshgrid(np.arange(0, width, 5), np.arange(0, height, 3))
    xy = np.stack([x.ravel(), y.ravel()], axis=1)
    found = dino_on_cpu(weights, official=True).extract(one_frame(frame), tracks_at([xy]))
    for (at_x, at_y), channels in zip(xy, found, strict=True):
        cell = keys[int(at_y * rows / height), int(at_x * columns / width)]
        expected = [cell[head, d] for d in range(WIDTH // HEADS) for head in range(HEADS)]
        np.testing.assert_allclose(channels, expected, rtol=2e-3, atol=2e-3)


def test_official_sides_are_rounded_up_to_whole_patches(weights: Path) -> None:
    frame = random_frame(PATCH * 2 + 1, PATCH * 3)
    seen: list[Any] = []

    def note(model: Any, x: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(x.shape))
        return torch.zeros(1, WIDTH, 5, 5)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dino, "official_keys", note)
        dino_on_cpu(weights, official=True).extract(one_frame(frame), tracks_at([[[1, 1]]]))
    assert seen == [(1, 3, PATCH * 3, PATCH * 3)]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The images that the network gets, by their first pixel."""
    found: list[int] = []
    real = dino.network_image

    def counted(image: np.ndarray, *args: Any, **kwargs: Any) -> Any:
        found.append(int(image[0, 0, 0]))
        return real(image, *args, **kwargs)

    monkeypatch.setattr(dino, "network_image", counted)
    return found


def numbered_window(frames: int, size: int = 3) -> Window:
    """Random frames whose first pixel is their index within the stream."""
    sliding = SlidingWindow(size, 1.0, 0.0)
    for index in range(frames):
        image = random_frame(SIDE, SIDE, index).image_bgr.copy()
        image[0, 0] = index
        window = sliding.push(Frame(image, index))
    return window


def test_a_track_keeps_what_its_query_frame_said(weights: Path, seen: list[int]) -> None:
    backend = dino_on_cpu(weights, short_side_px=SIDE)
    start, end = (20.0, 20.0), (40.0, 5.0)
    first = backend.extract(numbered_window(1), tracks_at([[start]], [3]))
    # The same track has moved on; another one was seeded in the frame before the newest.
    later = backend.extract(
        numbered_window(4),
        tracks_at([[end, start], [end, start], [end, end]], [3, 8], query_frame=[0, 1]),
    )
    assert seen == [0, 2]
    np.testing.assert_array_equal(later[0], first[0])
    alone = dino_on_cpu(weights, short_side_px=SIDE)
    at_query = alone.extract(numbered_window(3, size=1), tracks_at([[start]]))
    np.testing.assert_array_equal(later[1], at_query[0])
    # Nobody is new: the network rests.
    backend.extract(numbered_window(5), tracks_at(np.zeros((3, 1, 2)), [8]))
    assert seen == [0, 2, 2]


def test_a_track_hidden_in_its_query_frame_is_described_where_it_is_first_seen(
    weights: Path, seen: list[int]
) -> None:
    backend = dino_on_cpu(weights, short_side_px=SIDE)
    xy = [[[9, 9]], [[20, 20]], [[30, 30]]]
    found = backend.extract(numbered_window(3), tracks_at(xy, visible=[[False], [True], [True]]))
    assert seen == [1]
    alone = dino_on_cpu(weights, short_side_px=SIDE)
    there = alone.extract(numbered_window(2, size=1), tracks_at([[[20, 20]]]))
    np.testing.assert_array_equal(found, there)


def test_what_is_forgotten_is_described_anew(weights: Path, seen: list[int]) -> None:
    backend = dino_on_cpu(weights, short_side_px=SIDE)
    window = numbered_window(1)
    tracks = tracks_at([[[20, 20]]])
    first = backend.extract(window, tracks)
    first[:] = 0  # what the caller does with it is of no concern
    backend.extract(window, tracks)
    assert seen == [0]
    backend.reset()
    assert np.abs(backend.extract(window, tracks)).max() > 0
    assert seen == [0, 0]


def test_no_tracks_have_no_descriptors(weights: Path, seen: list[int]) -> None:
    backend = dino_on_cpu(weights, short_side_px=SIDE)
    assert backend.extract(numbered_window(1), Tracks.empty(1)).shape == (0, WIDTH)
    assert seen == []
