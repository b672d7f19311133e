"""The shipped networks by each library that may run them: the same numbers as by PyTorch."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from track_windows import random_window

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.labelling.network.checkpoint import export_weights, load_weights, save_weights
from motion_seg_ros.labelling.network.config import ModelConfig
from motion_seg_ros.labelling.network.encoding import encode
from motion_seg_ros.labelling.network.tokens import collate
from motion_seg_ros.labelling.network.transformer import TrackTransformer
from motion_seg_ros.masks.fusion.channels import MASK_CHANNELS
from motion_seg_ros.masks.fusion.network import load_mask_network
from motion_seg_ros.networks.runtime import NO_TELEMETRY, Runtime, load_runtime, needs_torch
from motion_seg_ros.networks.torch_runtime import TorchRuntime
from motion_seg_ros.weights.cache import SHIPPED
from motion_seg_ros.weights.onnx_file import Array

TRACKS, MASKS = (SHIPPED[each].path for each in ("track_transformer_lite", "mask_network_lite"))
CLOSE = {"rtol": 0, "atol": 2e-5}  # of log-odds: sums in another order


@pytest.fixture(params=["onnxruntime", "fallback"])
def load(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Runtime]:
    """Loads a network with onnxruntime, or as where it is not installed."""
    if request.param == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="onnxruntime: not installed")
    else:
        monkeypatch.setitem(sys.modules, "onnxruntime", None)

    def loaded(path: Path, **options: Any) -> Runtime:
        runtime, _ = load_runtime(path, **options)
        assert ("onnxruntime" in runtime.name) == (request.param == "onnxruntime")
        return runtime

    return loaded


def of_tracks(count: int, config: ModelConfig, *, multiple: int = 1) -> dict[str, Array]:
    features = max(1, config.feature_channels)
    window = random_window(count, frames=config.frames, tracks=count, features=features)
    return encode(collate([window], config.frames, multiple=multiple), config)


def of_image(height: int, width: int) -> dict[str, Array]:
    rng = np.random.default_rng(height)
    return {"channels": rng.normal(0, 2, (1, MASK_CHANNELS, height, width)).astype(np.float32)}


def test_tracks_are_labelled_as_by_torch(load: Callable[..., Runtime]) -> None:
    model, _ = load_weights(TRACKS)
    reference, runtime = TorchRuntime(model), load(TRACKS, threads=1)
    for count in (256, 3, 131):
        expected = reference(of_tracks(count, model.config))
        assert expected.std() > 0.5
        np.testing.assert_allclose(runtime(of_tracks(count, model.config)), expected, **CLOSE)
        padded = runtime(of_tracks(count, model.config, multiple=128))
        assert padded.shape[1] % 128 == 0
        np.testing.assert_allclose(padded[:, :count], expected, **CLOSE)


def test_pixels_are_labelled_as_by_torch(load: Callable[..., Runtime]) -> None:
    reference, runtime = TorchRuntime(load_mask_network(MASKS)), load(MASKS)
    for size in ((120, 216), (64, 16), (120, 216)):
        inputs = of_image(*size)
        expected = reference(inputs)
        assert expected.shape == (1, 1, *size)
        np.testing.assert_allclose(runtime(inputs), expected, **CLOSE)


def test_threads_that_share_a_network_do_not_mix_their_images(load: Callable[..., Runtime]) -> None:
    runtime = load(MASKS)
    given = [of_image(8 * n, 40) for n in range(2, 6)]
    expected = [runtime(each) for each in given]
    found: list[list[Array]] = [[] for _ in given]

    def run(place: int) -> None:
        found[place] = [runtime(given[place]) for _ in range(5)]

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(given))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for answers, right in zip(found, expected, strict=True):
        assert len(answers) == 5
        for answer in answers:
            np.testing.assert_allclose(answer, right, **CLOSE)


SMALL = {"frames": 6, "decoder_width": 16, "decoder_hidden": 24, "decoder_layers": 1}


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig.lite(encoder_width=16, feature_channels=5, **SMALL),
        ModelConfig.paper(feature_channels=5, encoder_layers=1, **SMALL),
    ],
    ids=["lite", "paper"],
)
def test_other_layouts_are_exported_and_come_back(
    config: ModelConfig, load: Callable[..., Runtime], tmp_path: Path
) -> None:
    pytest.importorskip("onnxscript", reason="onnxscript: not installed")
    torch.manual_seed(0)
    model = TrackTransformer(config).eval()
    weights, path = tmp_path / "small.safetensors", tmp_path / "small.onnx"
    save_weights(weights, model, metadata={"seed": "7"})
    export_weights(weights, path)
    again, metadata = load_weights(path)
    assert (again.config, metadata) == (config, {"seed": "7"})
    for one, other in zip(again.parameters(), model.parameters(), strict=True):
        assert torch.equal(one, other)
    runtime = load(path)
    for count in (9, 20):
        inputs = of_tracks(count, config)
        np.testing.assert_allclose(runtime(inputs), TorchRuntime(model)(inputs), **CLOSE)


def test_an_onnxruntime_that_cannot_read_the_file_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    library = pytest.importorskip("onnxruntime", reason="onnxruntime: not installed")

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("opset 20 is not supported")

    monkeypatch.setattr(library, "InferenceSession", refuse)
    runtime, _ = load_runtime(TRACKS)
    assert runtime.name.startswith("NumPy ")
    assert "opset 20 is not supported" in caplog.text


def test_a_damaged_file_is_named(tmp_path: Path, load: Callable[..., Runtime]) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(TRACKS.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"cut\.onnx: expected an ONNX file"):
        load(path)


def test_what_a_safetensors_file_needs_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(MissingDependencyError, match=r"my\.safetensors: expected torch .* no torch"),
        needs_torch(tmp_path / "my.safetensors"),
    ):
        raise ImportError("no torch")


def test_onnxruntime_tells_nobody_of_its_use(tmp_path: Path) -> None:
    """Its telemetry keeps files at home and in the folder of temporary files."""
    pytest.importorskip("onnxruntime", reason="onnxruntime: not installed")
    code = (
        "import sys; from pathlib import Path; from motion_seg_ros.networks.runtime import *; "
        "print(library()); load_runtime(Path(sys.argv[1]))"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    env.pop(NO_TELEMETRY, None)
    command = [sys.executable, "-c", code, str(MASKS)]
    said = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    assert "onnxruntime" in said
    assert list(tmp_path.iterdir()) == []
