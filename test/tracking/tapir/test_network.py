"""The published network's own class, with random weights, against its own whole-clip answer."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from backends import tapir_on_cpu

from motion_seg_ros.errors import ConfigError, InputError, MissingDependencyError
from motion_seg_ros.types import FloatArray, Frame, UInt8Array
from motion_seg_ros.window import SlidingWindow

torch = pytest.importorskip("torch", reason="torch: not installed")
pytest.importorskip("safetensors", reason="safetensors: not installed")
from motion_seg_ros.tracking.tapir import network as tapir_network  # noqa: E402
from motion_seg_ros.tracking.tapir.checkpoint import load_weights  # noqa: E402
from motion_seg_ros.tracking.tapir.followers import CausalFollower, WindowFollower  # noqa: E402
from motion_seg_ros.tracking.tapir.network import (  # noqa: E402
    STATE_BYTES_PER_POINT,
    TapnetNetwork,
)

SIDE = 64
HEIGHT, WIDTH = 48, 96
FRAMES = 4
SEEDS = np.float32([[10, 10], [50, 40], [80, 30], [30, 20], [11, 44]])

needs_tapnet = pytest.mark.skipif(
    importlib.util.find_spec("tapnet") is None, reason="tapnet: not installed (it is not on PyPI)"
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def clip() -> list[UInt8Array]:
    noise = np.random.default_rng(0).random((HEIGHT, WIDTH + 20, 3), np.float32)
    texture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    return [texture[:, 3 * k : 3 * k + WIDTH].astype(np.uint8) for k in range(FRAMES)]


def network(**settings: Any) -> TapnetNetwork:
    return load(None, **settings)


def load(weights: Path | None, **settings: Any) -> TapnetNetwork:
    small = {"device": "cpu", "dtype": "auto", "causal": False, "resolution": SIDE}
    return TapnetNetwork(weights, **{**small, "memory_budget_mb": 1024, **settings})


@pytest.fixture(scope="module")
def windowed() -> TapnetNetwork:
    return network()


@pytest.fixture(scope="module")
def causal() -> TapnetNetwork:
    return network(causal=True)


def video(clip: list[UInt8Array]) -> Any:
    """(1, T, S, S, 3) as the port's demo prepares it."""
    squares = [cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for each in clip]
    rgb = torch.from_numpy(np.stack(squares)[..., ::-1].copy())
    return rgb[None].float() / 255 * 2 - 1


def queries(frame: int) -> Any:
    """(1, N, 3) t, y, x of SEEDS in the network's input."""
    x = (SEEDS[:, 0] + 0.5) * SIDE / WIDTH
    y = (SEEDS[:, 1] + 0.5) * SIDE / HEIGHT
    return torch.from_numpy(np.float32(np.column_stack((np.full(len(x), frame), y, x))))[None]


def in_the_clip(tracks: Any) -> FloatArray:
    """(T, N, 2) pixels of the clip from the port's (1, N, T, 2)."""
    xy = tracks[0].transpose(0, 1).numpy()
    return np.float32(xy * [WIDTH / SIDE, HEIGHT / SIDE] - 0.5)


@needs_tapnet
def test_cached_features_give_the_tracks_of_the_whole_clip_at_once(
    clip: list[UInt8Array], windowed: TapnetNetwork
) -> None:
    follower, window = (
        WindowFollower(windowed, update_interval=1, tail=4),
        SlidingWindow(FRAMES, 1.0, 0.0),
    )
    for k, image in enumerate(clip):
        follower.see(window.push(Frame(image, k)))
        if k == 1:
            follower.add(SEEDS)
        elif k == FRAMES - 1:
            found = follower.follow()
    with torch.inference_mode():
        whole = windowed._model(video(clip), queries(1))
    np.testing.assert_allclose(found.xy_px, in_the_clip(whole["tracks"]), atol=1e-3)
    np.testing.assert_allclose(found.occlusion, whole["occlusion"][0].T, atol=1e-4)
    np.testing.assert_allclose(found.expected_distance, whole["expected_dist"][0].T, atol=1e-4)
    assert np.ptp(found.xy_px, axis=0).max() > 1  # the points go somewhere


@needs_tapnet
def test_points_in_chunks_are_the_same_points(
    clip: list[UInt8Array], windowed: TapnetNetwork
) -> None:
    frames = [windowed.encode(image) for image in clip[:2]]
    query = queries(0)[0].numpy()[:, [0, 2, 1]]
    points = windowed.describe(frames[0], query[:, 1:])
    whole = windowed.estimate(frames, points, query)
    again = windowed.estimate(frames, points, query)
    np.testing.assert_array_equal(whole.xy_px, again.xy_px)  # although the port shuffles them
    windowed._chunks._budget_bytes, budget = 1.0, windowed._chunks._budget_bytes
    one_by_one = windowed.estimate(frames, points, query)
    windowed._chunks._budget_bytes = budget
    np.testing.assert_allclose(one_by_one.xy_px, whole.xy_px, atol=1e-3)
    np.testing.assert_allclose(one_by_one.occlusion, whole.occlusion, atol=1e-4)


@needs_tapnet
def test_the_causal_follower_is_the_ports_own_loop(
    clip: list[UInt8Array], causal: TapnetNetwork
) -> None:
    follower, window, found = CausalFollower(causal), SlidingWindow(FRAMES, 1.0, 0.0), []
    for k, image in enumerate(clip):
        follower.see(window.push(Frame(image, k)))
        found.append(follower.follow() if k else follower.add(SEEDS))
    model, expected = causal._model, []
    frames, state = video(clip), model.construct_initial_causal_state(len(SEEDS), 1)
    with torch.inference_mode():
        features = model.get_query_features(frames[:, :1], False, queries(0))
        for k in range(FRAMES):
            grids = model.get_feature_grids(frames[:, k : k + 1], False)
            out = model.estimate_trajectories(
                (SIDE, SIDE), False, grids, features, None, 64, state, get_causal_context=True
            )
            state = out["causal_context"]
            expected.append(in_the_clip(out["tracks"][-1]))
    np.testing.assert_allclose(
        np.concatenate([each.xy_px for each in found]), np.concatenate(expected), atol=1e-3
    )


@needs_tapnet
def test_a_causal_point_is_followed_alike_whoever_is_followed_beside_it(
    clip: list[UInt8Array], causal: TapnetNetwork
) -> None:
    def follow(company: bool) -> FloatArray:
        follower, window = CausalFollower(causal), SlidingWindow(FRAMES, 1.0, 0.0)
        follower.see(window.push(Frame(clip[0], 0)))
        if company:
            follower.add(SEEDS[:2])
            follower.see(window.push(Frame(clip[0], 0)))
            follower.follow()
        follower.add(SEEDS[2:3])
        if company:
            follower.keep(np.array([False, True, True]))
        for image in clip[1:3]:
            follower.see(window.push(Frame(image, 0)))
            found = follower.follow()
        return found.xy_px[-1, -1]

    np.testing.assert_allclose(follow(True), follow(False), atol=1e-3)


@needs_tapnet
def test_the_memory_of_a_causal_point_is_as_large_as_stated(causal: TapnetNetwork) -> None:
    state = causal.start(3)
    size = sum(x.nbytes for each in state.refinements for x in each.values())
    assert size == 3 * STATE_BYTES_PER_POINT


@needs_tapnet
def test_a_step_changes_no_state_but_its_own(clip: list[UInt8Array], causal: TapnetNetwork) -> None:
    frame, start = causal.encode(clip[0]), causal.start(len(SEEDS))
    points = causal.describe(frame, queries(0)[0].numpy()[:, [2, 1]])
    first, state = causal.step(frame, points, start)
    again, _ = causal.step(frame, points, start)
    np.testing.assert_array_equal(first.xy_px, again.xy_px)
    later, _ = causal.step(frame, points, state)
    assert np.abs(later.occlusion - first.occlusion).max() > 1e-4


@needs_tapnet
def test_bfloat16_stays_near(
    clip: list[UInt8Array], windowed: TapnetNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = queries(0)[0].numpy()[:, [0, 2, 1]]

    def occlusion(some: TapnetNetwork) -> FloatArray:
        frames = [some.encode(clip[0])]
        return some.estimate(frames, some.describe(frames[0], query[:, 1:]), query).occlusion

    half = occlusion(network(dtype="bfloat16"))
    np.testing.assert_allclose(half, occlusion(windowed), atol=0.3)
    # With weights that are cast when they are used it is the same to the last bit.
    monkeypatch.setattr(tapir_network, "cast_weights", lambda *_: None)
    np.testing.assert_array_equal(occlusion(network(dtype="bfloat16")), half)


@needs_tapnet
def test_building_and_running_leave_the_random_numbers_alone(
    clip: list[UInt8Array], windowed: TapnetNetwork
) -> None:
    before = torch.random.get_rng_state()
    frame = windowed.encode(clip[0])
    query = queries(0)[0].numpy()[:, [0, 2, 1]]
    windowed.estimate([frame], windowed.describe(frame, query[:, 1:]), query)
    assert torch.equal(before, torch.random.get_rng_state())


@needs_tapnet
@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
def test_weights_are_loaded_from_a_file(
    ending: str, tmp_path: Path, clip: list[UInt8Array], windowed: TapnetNetwork
) -> None:
    path = tmp_path / f"bootstapir{ending}"
    state = {name: x + 0.01 for name, x in windowed._model.state_dict().items()}
    if ending == ".pt":
        torch.save(state, path)
    else:
        from safetensors.torch import save_file

        save_file(state, path)
    loaded = load(path)
    for name, x in loaded._model.state_dict().items():
        assert torch.equal(x, state[name])
    assert not any(x.requires_grad for x in loaded._model.parameters())
    assert not loaded._model.training


@needs_tapnet
def test_the_tracker_runs_on_the_real_network(clip: list[UInt8Array]) -> None:
    tracker = tapir_on_cpu(resolution=SIDE, points=5, query_interval=2, update_interval=2, tail=1)
    window = SlidingWindow(3, 1.0, 0.0)
    for k, image in enumerate(clip):
        tracks = tracker.update(window.push(Frame(image, k)))
        assert tracks.visible.shape == (min(k + 1, 3), len(tracks))
        assert 1 <= len(tracks) <= 5
        assert (tracks.visible.any(axis=0)).all()
        assert np.isfinite(tracks.xy_px).all()
        assert ((tracks.confidence >= 0) & (tracks.confidence <= 1)).all()


@pytest.mark.parametrize("resolution", [60, 100, 56, 0])
def test_a_resolution_the_network_cannot_take_is_refused(resolution: int) -> None:
    with pytest.raises(ConfigError, match=f"tracking.tapir.resolution.*{resolution}"):
        network(resolution=resolution)


@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"weight": (2, 3)}, "no bias"),
        ({"weight": (2, 3), "bias": (2,), "more": (1,)}, "unknown more"),
        ({"weight": (3, 2), "bias": (2,)}, r"weight of shape \(3, 2\) instead of \(2, 3\)"),
        ({"other": (2, 3)}, "no weight and 2 more"),
    ],
)
def test_tensors_of_another_network_are_named(
    ending: str, content: dict[str, tuple[int, ...]], found: str, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    path = tmp_path / f"weights{ending}"
    tensors = {name: torch.zeros(shape) for name, shape in content.items()}
    (save_file if ending == ".safetensors" else torch.save)(tensors, path)
    with pytest.raises(InputError, match=f"weights{ending}.*{found}"):
        load_weights(torch.nn.Linear(3, 2), path)


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"not weights at all"])
def test_a_file_that_is_no_weights_is_named(
    name: str, content: bytes | None, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=name):
        load_weights(torch.nn.Linear(3, 2), path)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save(torch.nn.Linear(3, 2).state_dict(), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"weights\.pt"):
        load_weights(torch.nn.Linear(3, 2), path)


class Payload:
    """A function that unpickling would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("the file's code was run",))


@pytest.mark.parametrize("content", [Payload(), [1, 2], {"weight": 3}])
def test_a_file_of_other_things_is_refused_and_not_run(content: object, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save(content, path)
    with pytest.raises(InputError, match=r"weights\.pt"):
        load_weights(torch.nn.Linear(3, 2), path)


@pytest.mark.parametrize("missing", ["tapnet.torch.tapir_model", "tree", "einshape"])
def test_a_missing_package_is_named_with_the_commands_that_install_it(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for loaded in [name for name in sys.modules if name.split(".")[0] in ("tapnet", "einshape")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingDependencyError) as caught:
        tapir_on_cpu()
    message = str(caught.value)
    assert "pip install --no-deps git+https://github.com/google-deepmind/tapnet" in message
    assert "pip install dm-tree einshape" in message
    assert "\n" not in message
