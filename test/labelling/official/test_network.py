"""The published track network, against numbers of the authors' own code."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from checkout import ROOT

from motion_seg_ros.errors import InputError
from motion_seg_ros.labelling.official.checkpoint import load_official, official_name
from motion_seg_ros.labelling.official.network import (
    OfficialInputs,
    OfficialTrackNetwork,
    official_moving,
    prepare_depth,
    prepare_position,
    prepare_visibility,
)

SHARED = ROOT.parent / "shared" / "fixtures" / "official_track_network"
TOLERANCE = 1e-5
INPUTS = ("traj", "mask", "depth", "visib_value", "confi_value", "dino")
OUTPUTS = ("aug", "track_feat", "logits", "pred")
Arrays = dict[str, npt.NDArray[np.float32]]


@pytest.fixture(scope="module")
def folder() -> Path:
    """Return the folder with the authors' numbers."""
    place = Path(os.environ.get("MOTION_SEG_PARITY_DIR", SHARED))
    missing = [name for name in ("io.npz", "state_spec.json") if not (place / name).is_file()]
    if missing:
        pytest.skip(
            f"no {' and no '.join(missing)} in {place}: numbers of the authors' network are not "
            "part of the package; name their folder in MOTION_SEG_PARITY_DIR"
        )
    return place


@pytest.fixture(scope="module")
def recorded(folder: Path) -> Arrays:
    with np.load(folder / "io.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def state(folder: Path) -> dict[str, torch.Tensor]:
    """The weights the numbers were made with, rebuilt from their recipe."""
    spec = json.loads((folder / "state_spec.json").read_text())
    rng = np.random.Generator(np.random.PCG64(spec["seed"]))
    return {name: tensor(name, shape, rng) for name, shape in spec["tensors"]}


def tensor(name: str, shape: list[int], rng: np.random.Generator) -> torch.Tensor:
    x = rng.standard_normal(shape)
    if len(shape) == 1:
        x = 0.1 * x + ("norm" in name and name.endswith("weight"))
    else:
        x = x * 1.6 / math.sqrt(math.prod(shape[1:]))
        x *= 0.35 if "out_proj" in name else 1
        x *= 0.6 if "linear2" in name or name.endswith("ffn.2.weight") else 1
        x *= 2.5 if "input_fc1" in name else 1
        x *= 1.2 if name == "decoder.output_layer.weight" else 1
    return torch.from_numpy(x.astype(np.float32))


@pytest.fixture
def checkpoint(state: dict[str, torch.Tensor], tmp_path: Path) -> Path:
    path = tmp_path / "published.pth"
    torch.save({"model_state_dict": state}, path)
    return path


def test_the_published_network_gives_the_authors_numbers(
    checkpoint: Path, recorded: Arrays
) -> None:
    network = load_official(checkpoint)
    with torch.inference_mode():
        outputs = network(
            OfficialInputs(**{name: torch.from_numpy(recorded[name]) for name in INPUTS})
        )
    for name in OUTPUTS:
        np.testing.assert_allclose(
            getattr(outputs, name).numpy(), recorded[name], rtol=0, atol=TOLERANCE, err_msg=name
        )


def test_windows_in_a_batch_do_not_touch_each_other(checkpoint: Path, recorded: Arrays) -> None:
    both = {
        name: torch.from_numpy(np.concatenate([np.flip(recorded[name], axis), recorded[name]]))
        for name, axis in zip(INPUTS, (2, 2, 1, 2, 2, 2), strict=True)
    }
    with torch.inference_mode():
        pred = load_official(checkpoint)(OfficialInputs(**both)).pred
    np.testing.assert_allclose(pred[1:].numpy(), recorded["pred"], rtol=0, atol=TOLERANCE)
    # The same tracks in reverse order.
    np.testing.assert_allclose(pred[:1].flip(2).numpy(), recorded["pred"], rtol=0, atol=TOLERANCE)


def test_inputs_are_prepared_as_the_authors_do(recorded: Arrays) -> None:
    size = recorded["depth"].shape[2:4]
    position = prepare_position(recorded["px"], (size[0], size[1]))  # (N, T, 2)
    np.testing.assert_allclose(position.transpose(2, 0, 1), recorded["traj"][0], atol=1e-6)
    visibility, confidence, valid = prepare_visibility(
        recorded["occ_logit"].T, recorded["dist_logit"].T
    )
    np.testing.assert_allclose(visibility.T, recorded["visib_value"][0, 0], atol=1e-6)
    np.testing.assert_allclose(confidence.T, recorded["confi_value"][0, 0], atol=1e-6)
    masked = recorded["mask"][0, 0] == 1
    wholly = masked.all(axis=1)  # one track was masked on purpose
    assert wholly.sum() == 1
    np.testing.assert_array_equal(~valid.T[~wholly], masked[~wholly])


def test_all_names_are_known(state: dict[str, torch.Tensor]) -> None:
    own = OfficialTrackNetwork().state_dict()
    assert sum(x.numel() for x in own.values()) == 3_443_809
    assert {official_name(name) for name in own} == set(state)


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_other_tensors_are_refused_by_name(
    state: dict[str, torch.Tensor], tmp_path: Path, change: str
) -> None:
    name = "decoder.encoders.1.ffn.0.weight"
    state = dict(state)
    if change == "missing":
        del state[name]
    elif change == "unknown":
        name = "decoder.encoders.4.ffn.0.weight"
        state[name] = torch.zeros(1)
    else:
        state[name] = state[name][:, :-1]
    torch.save({"model_state_dict": state}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=name):
        load_official(tmp_path / "other.pth")


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.pth"):
        load_official(tmp_path / "absent.pth")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(InputError, match=r"text\.pth"):
        load_official(tmp_path / "text.pth")
    torch.save({"weights": {}}, tmp_path / "key.pth")
    with pytest.raises(InputError, match="model_state_dict"):
        load_official(tmp_path / "key.pth")
    # An object is not unpickled: that would run code.
    torch.save({"model_state_dict": {"a": Path("x")}}, tmp_path / "object.pth")
    with pytest.raises(InputError, match=r"object\.pth"):
        load_official(tmp_path / "object.pth")


def test_depth_saturates_as_published() -> None:
    ramp = np.linspace(3, 7, 65536, dtype=np.float64).astype(np.float32).reshape(1, 256, 256)
    depth = prepare_depth(ramp)
    # 255 of 65535 steps of the range are told apart; all above is 1.
    assert np.mean(depth == 1) == pytest.approx(1 - 255 / 65535, abs=1e-3)
    assert depth[0, 0, 0] == 0
    steps = np.array([0, 0.7, 1.7, 254.2, 255, 256, 65535], np.float32).reshape(1, 1, 7)
    expected = np.array([0, 0, 1, 254, 255, 255, 255]) / 255
    np.testing.assert_allclose(prepare_depth(steps)[0, 0], expected, atol=1e-6)
    assert np.isfinite(prepare_depth(np.ones((2, 3, 4), np.float32))).all()


def test_a_frame_in_which_nothing_is_sure_keeps_its_most_confident_point() -> None:
    occlusion = np.full((2, 3), -9, np.float32)
    distance = np.array([[-9, -9, 9], [3, 1, 2]], np.float32)
    _, confidence, valid = prepare_visibility(occlusion, distance)
    np.testing.assert_array_equal(valid[0], [True, True, False])
    np.testing.assert_array_equal(valid[1], [False, True, False])
    assert (confidence[1] == 0).all()


def test_the_first_threshold_that_leaves_ten_tracks_counts() -> None:
    probability = np.linspace(0, 0.92, 93, dtype=np.float32)
    moving = official_moving(probability, 50)
    # Above .95, .93 and .9 are 0, 0 and 2; above .85 are .86 to .92.
    assert moving.sum() == np.count_nonzero(probability > 0.8)
    assert official_moving(np.full(20, 0.96, np.float32), 50).all()
    assert official_moving(np.full(20, 0.96, np.float32), 301).all()
    assert official_moving(np.full(20, 0.94, np.float32), 301).sum() == 3


def test_three_tracks_move_whatever_their_probability() -> None:
    moving = official_moving(np.array([0.1, 0.3, 0.0, 0.2, 0.25], np.float32), 50)
    np.testing.assert_array_equal(moving, [False, True, False, True, True])
    assert official_moving(np.zeros(0, np.float32), 50).shape == (0,)
