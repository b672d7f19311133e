"""SAM 2.1 of its authors' package as a segmenter, against the package's own video predictor."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from segmenter_runs import (
    ONE,
    OTHER,
    SIZE,
    THREE,
    Said,
    Script,
    assert_same,
    held,
    pixels,
    points,
    run,
    stream,
)

from motion_seg_ros.errors import ConfigError, InputError, MissingDependencyError
from motion_seg_ros.masks.sam2 import official as sam2_official
from motion_seg_ros.masks.sam2.official import OfficialSam2
from motion_seg_ros.masks.sam2.segmenter import Sam2Segmenter
from motion_seg_ros.types import Frame

SIDE = 64
CONFIG = "configs/sam2.1/sam2.1_hiera_t.yaml"


@pytest.fixture(scope="module")
def predictor() -> Any:
    build_sam = pytest.importorskip("sam2.build_sam")
    torch.manual_seed(0)
    overrides = [f"++model.image_size={SIDE}"]
    model = build_sam.build_sam2_video_predictor(
        CONFIG, device="cpu", hydra_overrides_extra=overrides
    )
    with torch.no_grad():
        model.sam_mask_decoder.pred_obj_score_head.layers[-1].bias.fill_(5.0)
    model.fill_hole_area = 0  # for which the predictor needs a CUDA extension
    return model


@pytest.fixture(scope="module")
def weights(predictor: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("official") / "sam2.1_hiera_tiny.pt"
    torch.save({"model": predictor.state_dict()}, path)
    return path


@pytest.fixture(scope="module")
def network(weights: Path) -> OfficialSam2:
    return OfficialSam2(weights, device="cpu", image_side=SIDE)


@pytest.fixture
def segmenter(network: OfficialSam2) -> Iterator[Sam2Segmenter]:
    segmenter = Sam2Segmenter(network, kept=4)
    yield segmenter
    segmenter.reset()


def state_of(frames: Sequence[Frame]) -> dict[str, Any]:
    """The state of the package's predictor, which it makes of video files only."""
    dictionaries = (
        "point_inputs_per_obj",
        "mask_inputs_per_obj",
        "cached_features",
        "constants",
        "output_dict_per_obj",
        "temp_output_dict_per_obj",
        "frames_tracked_per_obj",
    )
    return {
        "images": [pixels(frame, SIDE)[0] for frame in frames],
        "num_frames": 1000,  # a stream's end is not known
        "offload_video_to_cpu": False,
        "offload_state_to_cpu": False,
        "video_height": SIZE[0],
        "video_width": SIZE[1],
        "device": torch.device("cpu"),
        "storage_device": torch.device("cpu"),
        "obj_id_to_idx": OrderedDict(),
        "obj_idx_to_id": OrderedDict(),
        "obj_ids": [],
        **{name: {} for name in dictionaries},
    }


def package(predictor: Any, frames: Sequence[Frame], script: Script) -> Said:
    """What the package's video predictor says, which follows all objects together."""
    state = state_of(frames)
    found = {}
    scale = np.array([SIDE / SIZE[1], SIDE / SIZE[0]])
    for index in range(len(frames)):
        for each, xy in script.get(index, {}).items():
            square = ((np.array(xy) + 0.5) * scale - 0.5) / SIDE
            predictor.add_new_points_or_box(
                state, index, each, square, np.ones(len(xy), np.int32), normalize_coords=False
            )
        if not state["obj_ids"]:
            continue
        for _, ids, masks in predictor.propagate_in_video(state, index, 0):
            for each, mask in zip(ids, masks, strict=True):
                found[each, index] = mask[0].numpy()
    return found


def test_logits_are_those_of_the_package_that_keeps_everything(
    segmenter: Sam2Segmenter, predictor: Any
) -> None:
    frames = stream(20)
    script: Script = {0: {1: ONE}, 5: {2: OTHER}, 10: {1: THREE}}
    found = run(segmenter, frames, script)
    assert_same(found, package(predictor, frames, script))
    # What is remembered matters, else this would prove nothing.
    assert min(np.abs(found[1, index] - found[2, index]).max() for index in range(6, 20)) > 1e-3


def test_memory_of_the_package_is_flat(segmenter: Sam2Segmenter) -> None:
    frame = stream(1)[0]
    found = {}
    for index in range(28):
        segmenter.see(frame, index)
        if index % 5 == 0 and index:
            segmenter.prompt(1, index, points(*OTHER))
        elif index:
            segmenter.follow(1, index)
        else:
            segmenter.start(1, index, points(*ONE))
        found[index] = held(segmenter)
    assert found[22] == found[27]
    assert found[22][0] > found[3][0]  # it did count


def test_a_click_of_the_package_is_as_a_start(segmenter: Sam2Segmenter) -> None:
    segmenter.see(stream(1)[0], 0)
    clicked = segmenter.click(0, points(*THREE))
    np.testing.assert_array_equal(clicked, segmenter.start(1, 0, points(*THREE)))


def test_fewer_memories_of_the_package(weights: Path, predictor: Any) -> None:
    frames, script = stream(5), {0: {1: ONE}}
    expected = package(predictor, frames, script)
    network = OfficialSam2(weights, device="cpu", image_side=SIDE, memories=2, pointers=3)
    found = run(Sam2Segmenter(network), frames, script)
    # The first frames have no more to remember than one with, one without a click.
    early = [(1, 0), (1, 1), (1, 2)]
    assert_same({key: found[key] for key in early}, {key: expected[key] for key in early})
    assert np.abs(found[1, 4] - expected[1, 4]).max() > 1e-5


def test_places_are_not_rounded_to_bfloat16_in_the_package(weights: Path) -> None:
    network = OfficialSam2(weights, device="cpu", image_side=SIDE, dtype="bfloat16")
    places = network.model.sam_prompt_encoder.pe_layer
    square = torch.tensor([[[3.25, 60.5], [31.75, 17.0]]])
    with network.inference():
        found = places.forward_with_coords(square, (SIDE, SIDE))
        whole = network.model.sam_prompt_encoder.get_dense_pe()
    matrix = places.positional_encoding_gaussian_matrix.double()
    phase = 2 * np.pi * ((2 * square.double() / SIDE - 1) @ matrix)
    expected = torch.cat((phase.sin(), phase.cos()), -1)
    np.testing.assert_allclose(found.float().numpy(), expected.numpy(), atol=1e-4)
    assert whole.dtype == torch.float32


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_as_many_bytes_in_the_package_give_nearly_the_same(
    weights: Path, segmenter: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    def half() -> Said:
        network = OfficialSam2(weights, device="cpu", dtype=dtype, image_side=SIDE)
        return run(Sam2Segmenter(network), frames, script)

    frames, script = stream(3), {0: {1: ONE}}
    expected, found = run(segmenter, frames, script), half()
    for key, logits in expected.items():
        assert 0 < np.abs(found[key] - logits).mean() < 0.2 * np.abs(logits).mean()
    # With weights that are cast when they are used it is the same to the last bit.
    monkeypatch.setattr(sam2_official, "cast_weights", lambda *_: None)
    for key, logits in half().items():
        np.testing.assert_array_equal(logits, found[key])


def test_files_of_something_else_are_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        OfficialSam2(tmp_path / "nowhere.pt", device="cpu")
    with pytest.raises(ConfigError, match="multiple of 32 pixels, found 50"):
        OfficialSam2(weights, device="cpu", image_side=50)
    path = tmp_path / "other.pt"
    torch.save({"weights": {}}, path)
    with pytest.raises(InputError, match="under 'model'"):
        OfficialSam2(path, device="cpu")
    torch.save({"model": {"trunk.blocks.0.weight": torch.zeros(1)}}, path)
    with pytest.raises(InputError, match="1 blocks"):
        OfficialSam2(path, device="cpu")
    state = torch.load(weights, weights_only=True)["model"]
    del state["no_obj_embed_spatial"]  # as in the weights of the first SAM 2
    torch.save({"model": state}, path)
    with pytest.raises(InputError, match=r"found no no_obj_embed_spatial; use"):
        OfficialSam2(path, device="cpu")


def test_without_the_package_the_commands_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr(sam2_official.importlib, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=r"pip install git\+https://github\.com"):
        OfficialSam2(tmp_path / "any.pt", device="cpu")
