"""Weight files: what comes back, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from track_windows import logits_of, random_window

from motion_seg_ros.errors import InputError, MotionSegError, OutputError
from motion_seg_ros.labelling.network.checkpoint import load_weights, save_weights
from motion_seg_ros.labelling.network.config import MODEL_KEY, ModelConfig
from motion_seg_ros.labelling.network.tokens import collate
from motion_seg_ros.labelling.network.transformer import TrackTransformer
from motion_seg_ros.networks import tensor_files
from motion_seg_ros.weights.formats import file_metadata

CONFIG = ModelConfig.lite(
    frames=6, encoder_width=16, decoder_width=16, decoder_layers=1, dropout=0.5
)


@pytest.fixture
def model() -> TrackTransformer:
    torch.manual_seed(0)
    return TrackTransformer(CONFIG).eval()


@pytest.fixture
def path(model: TrackTransformer, tmp_path: Path) -> Path:
    path = tmp_path / "lite.safetensors"
    save_weights(path, model, metadata={"seed": "7"})
    return path


def test_a_model_comes_back_as_it_was(model: TrackTransformer, path: Path) -> None:
    again, metadata = load_weights(path)
    assert metadata == {"seed": "7"}
    assert again.config == CONFIG
    assert not again.training
    batch = collate([random_window(0)])
    with torch.inference_mode():
        assert torch.equal(logits_of(model, batch), logits_of(again, batch))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("taken", [True, False])
def test_the_file_says_whether_the_model_takes_geometry(tmp_path: Path, taken: bool) -> None:
    config = dataclasses.replace(CONFIG, geometry=taken)
    path = tmp_path / "weights.safetensors"
    save_weights(path, TrackTransformer(config), metadata={})
    assert json.loads(file_metadata(path)[MODEL_KEY])["geometry"] is taken
    assert load_weights(path)[0].config == config


def test_weights_of_the_residuals_before_the_geometry_are_refused(path: Path) -> None:
    """A file of an earlier release is refused by name, and not loaded into other channels."""
    before = {key: value for key, value in CONFIG.to_dict().items() if key != "geometry"}
    metadata = {MODEL_KEY: json.dumps({**before, "hints": True})}
    save_file(load_file(path), path, metadata)
    with pytest.raises(InputError, match="hints"):
        load_weights(path)


def test_a_file_that_is_not_there(path: Path) -> None:
    with pytest.raises(InputError, match="absent"):
        load_weights(path.with_name("absent"))


def test_an_interrupted_write_keeps_the_old_file(
    model: TrackTransformer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(tensor_files.os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        save_weights(path, model, metadata={})
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_place_that_does_not_exist_is_named(model: TrackTransformer, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="nowhere"):
        save_weights(tmp_path / "nowhere" / "lite.safetensors", model, metadata={})


def test_a_file_cut_off_anywhere_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in (0, 4, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=path.name) as caught:
            load_weights(path)
        assert "\n" not in str(caught.value)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    for place in (tmp_path / "absent.safetensors", tmp_path):
        with pytest.raises(InputError, match=str(place)):
            load_weights(place)


def metadata_with(**changes: object) -> dict[str, str]:
    return {MODEL_KEY: json.dumps({**CONFIG.to_dict(), **changes})}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, MODEL_KEY),
        ({MODEL_KEY: "no JSON"}, "configuration"),
        ({MODEL_KEY: "[1]"}, "configuration"),
        (metadata_with(colour="red"), "colour"),
        (metadata_with(decoder_layers=2), "no tracks_decoder.blocks.1"),
        (metadata_with(decoder_width=8), "of shape"),
    ],
)
def test_another_configuration_is_refused(
    path: Path, metadata: dict[str, str] | None, message: str
) -> None:
    save_file(load_file(path), path, metadata)
    with pytest.raises(MotionSegError, match=message):
        load_weights(path)


def test_unknown_tensors_are_refused(path: Path) -> None:
    save_file({**load_file(path), "extra.weight": torch.zeros(2)}, path, metadata_with())
    with pytest.raises(InputError, match=r"unknown extra\.weight"):
        load_weights(path)
