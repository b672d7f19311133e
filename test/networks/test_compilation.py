"""Compiled networks say what they say uncompiled."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from tiny_networks import transformers_library, write_depth_anything, write_dinov2

from motion_seg_ros.depth.depth_anything import DepthAnythingDepth
from motion_seg_ros.errors import MissingDependencyError
from motion_seg_ros.features.dino import DinoFeatures
from motion_seg_ros.networks import compilation
from motion_seg_ros.networks.compilation import CHOICES, OFF, compiled
from motion_seg_ros.settings.pipeline import make_config
from motion_seg_ros.types import Frame, Tracks
from motion_seg_ros.window import SlidingWindow, Window

transformers_library()
import torch  # noqa: E402

CPU = torch.device("cpu")
TRACED = "traced"  # without a C++ compiler, which would take minutes here


@pytest.fixture(autouse=True)
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = {**compilation.HOW, TRACED: {"backend": "aot_eager"}}
    monkeypatch.setattr(compilation, "HOW", MappingProxyType(ways))
    torch._dynamo.reset()


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The graphs that are compiled from now on."""
    found: list[Any] = []

    def backend(graph: Any, inputs: Any) -> Any:
        found.append(graph)
        return graph.forward

    ways = {**compilation.HOW, TRACED: {"backend": backend}}
    monkeypatch.setattr(compilation, "HOW", MappingProxyType(ways))
    return found


def random_window() -> Window:
    image = np.random.default_rng(0).integers(0, 256, (56, 84, 3), np.uint8)
    return SlidingWindow(2, 1.0).push(Frame(image, 0))


def tracks() -> Tracks:
    xy = np.random.default_rng(1).uniform(0, 55, (1, 20, 2)).astype(np.float32)
    seen = np.ones((1, 20), bool)
    return Tracks(np.arange(20), xy, seen, seen.astype(np.float32), np.zeros(20, np.int64))


def test_off_is_the_network_itself() -> None:
    network = torch.nn.Linear(2, 2)
    assert compiled(network, OFF, CPU) is network
    assert make_config().compile == OFF
    for how in CHOICES:
        assert make_config({"compile": how}).compile == how


def test_depth_is_the_same(tmp_path: Path, graphs: list[Any]) -> None:
    weights = write_depth_anything(tmp_path)
    plain = DepthAnythingDepth(weights, device="cpu", short_side_px=28)
    traced = DepthAnythingDepth(weights, device="cpu", short_side_px=28, compilation=TRACED)
    window = random_window()
    before = len(graphs)
    np.testing.assert_allclose(traced.estimate(window), plain.estimate(window), rtol=1e-5)
    assert len(graphs) > before, "the network itself was compiled"


@pytest.mark.parametrize("official", [False, True])
def test_features_are_the_same(tmp_path: Path, graphs: list[Any], official: bool) -> None:
    weights = write_dinov2(tmp_path)
    made = [
        DinoFeatures(
            weights, device="cpu", short_side_px=28, official=official, compilation=compilation_
        )
        for compilation_ in (OFF, TRACED)
    ]
    before = len(graphs)
    plain, traced = (each.extract(random_window(), tracks()) for each in made)
    np.testing.assert_allclose(traced, plain, rtol=1e-3, atol=1e-4)
    assert len(graphs) > before


def test_a_map_that_is_kept_is_no_memory_of_the_compiled_network(tmp_path: Path) -> None:
    backend = DinoFeatures(write_dinov2(tmp_path), device="cpu", short_side_px=28)
    given: list[torch.Tensor] = []
    network = backend._network

    def overwriting(x: torch.Tensor) -> Any:
        for each in given:
            each.zero_()
        said = network(x)
        given.append(said.last_hidden_state)
        return said

    backend._network = overwriting
    sliding = SlidingWindow(2, 1.0)
    sliding.push(random_window().newest)
    window = sliding.push(Frame(np.zeros((56, 84, 3), np.uint8), 1))
    first = backend._map_of(window.frames[0], 0).clone()
    backend._map_of(window.frames[1], 1)
    assert torch.equal(backend._map_of(window.frames[0], 0), first)


def test_without_a_compiler_that_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("no\ng++")

    monkeypatch.setattr(compilation, "HOW", MappingProxyType({TRACED: {"backend": broken}}))
    with pytest.raises(
        MissingDependencyError, match=r"compile traced: .*no g\+\+.*set compile off"
    ):
        DepthAnythingDepth(write_depth_anything(tmp_path), device="cpu", compilation=TRACED)
