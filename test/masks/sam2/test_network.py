"""SAM 2 and EdgeTAM as segmenters, against the library's own sessions, which forget nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_sam2
import torch
import transformers
from sam2_networks import KEPT, library, make_network
from segmenter_runs import (
    ONE,
    OTHER,
    SIZE,
    THREE,
    TOLERANCE,
    Said,
    Script,
    assert_same,
    pixels,
    points,
    run,
    stream,
)
from torch.overrides import TorchFunctionMode

from motion_seg_ros.errors import DeviceMemoryError
from motion_seg_ros.masks.sam2 import network as sam2_network
from motion_seg_ros.masks.sam2.network import Sam2Network
from motion_seg_ros.masks.sam2.segmenter import Sam2Segmenter


def test_logits_are_those_of_sessions_that_keep_everything(
    segmenter: Sam2Segmenter, folder: Path
) -> None:
    frames = stream(30)
    script: Script = {0: {1: ONE}, 5: {2: OTHER}, 10: {1: THREE}}
    found = run(segmenter, frames, script)
    for each in (1, 2):
        alone = {index: {each: xy[each]} for index, xy in script.items() if each in xy}
        expected = library(folder, frames, alone)
        assert_same({key: value for key, value in found.items() if key[0] == each}, expected)
    shapes = {(logits.shape, logits.dtype.name) for logits in found.values()}
    assert shapes == {(SIZE, "float32")}
    # What is remembered matters, else all of this would prove nothing.
    apart = [np.abs(found[1, index] - found[2, index]).max() for index in range(6, 30)]
    assert min(apart) > 0.02


def test_objects_of_one_library_session_are_as_when_each_has_its_own(
    segmenter: Sam2Segmenter, folder: Path
) -> None:
    frames = stream(12, seed=1)
    script: Script = {0: {1: ONE, 2: OTHER}, 6: {1: OTHER, 2: THREE}}
    assert_same(run(segmenter, frames, script), library(folder, frames, script))


def test_an_object_added_to_a_library_session_is_as_in_its_own(
    segmenter: Sam2Segmenter, folder: Path
) -> None:
    frames = stream(12, seed=2)
    script: Script = {0: {1: ONE}, 5: {2: OTHER}, 10: {1: THREE}}
    found, expected = run(segmenter, frames, script), library(folder, frames, script)
    # Where one object is clicked, the library's joint session takes the masks of all for clicked
    # ones, as to what they leave in memory; not so its sessions of one object. Until then:
    last = {1: 5, 2: 10}
    assert_same(
        {key: value for key, value in found.items() if key[1] <= last[key[0]]},
        {key: value for key, value in expected.items() if key[1] <= last[key[0]]},
    )


def test_clicks_in_an_earlier_frame_correct_what_is_remembered(
    sam2_folder: Path,
) -> None:
    """As in a session of the library that is made to forget that it has followed the object to
    that frame."""
    frames, late = stream(8), 3
    uncorrected, segmenter = (Sam2Segmenter(make_network(sam2_folder), kept=8) for _ in range(2))
    before = run(uncorrected, frames, {0: {1: ONE}})
    scale = np.array([tiny_sam2.SIDE / SIZE[1], tiny_sam2.SIDE / SIZE[0]])
    model = transformers.Sam2VideoModel.from_pretrained(sam2_folder).eval()
    session = transformers.Sam2VideoInferenceSession(dtype=torch.float32)
    index_of = session.obj_id_to_idx(1)

    def click(index: int, xy: Sequence[tuple[float, float]]) -> None:
        square = torch.tensor((np.array(xy) + 0.5) * scale - 0.5, dtype=torch.float32)
        labels = torch.ones(1, 1, len(xy), dtype=torch.int32)
        inputs = {"point_coords": square[None, None], "point_labels": labels}
        session.add_point_inputs(index_of, index, inputs)
        session.obj_with_new_inputs = [1]

    def logits(index: int) -> np.ndarray:
        output = model(session, frame=pixels(frames[index], tiny_sam2.SIDE), frame_idx=index)
        masks = torch.nn.functional.interpolate(output.pred_masks, SIZE, mode="bilinear")
        found: np.ndarray = masks[0, 0].numpy()
        return found

    for index, frame in enumerate(frames):
        segmenter.see(frame, index)
        if index == 6:
            session.frames_tracked_per_obj[index_of].pop(late)
            session.output_dict_per_obj[index_of]["non_cond_frame_outputs"].pop(late)
            click(late, THREE)
            corrected = segmenter.prompt(1, late, points(*THREE))
            np.testing.assert_allclose(corrected, logits(late), atol=TOLERANCE)
        if index == 0:
            click(0, ONE)
            found = segmenter.start(1, 0, points(*ONE))
        else:
            found = segmenter.follow(1, index)
        np.testing.assert_allclose(found, logits(index), atol=TOLERANCE)
        if index == 6:
            assert np.abs(found - before[1, index]).max() > 10 * TOLERANCE


def test_another_image_side_is_that_of_a_network_made_for_it(
    kind: str, folder: Path, tmp_path: Path
) -> None:
    make, side = {"sam2": (tiny_sam2.sam2_model, 32), "edgetam": (tiny_sam2.edgetam_model, 128)}[
        kind
    ]
    other = make(side)
    other.load_state_dict(make().state_dict())
    frames, script = stream(4), {0: {1: ONE}, 3: {2: THREE}}
    expected = library(tiny_sam2.saved(other, tmp_path), frames, script, side)
    network = make_network(folder, image_side=side)
    assert network.image_side == side
    assert_same(run(Sam2Segmenter(network, kept=KEPT), frames, script), expected)


def test_clicks_and_ages_of_pointers_go_to_the_device_without_a_wait(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else is made of Python numbers while an object is followed."""
    sent: list[Any] = []

    def to_device(values: Any, device: torch.device) -> Any:
        sent.append(values.tolist())
        return values.to(device)

    monkeypatch.setattr(sam2_network, "to_device", to_device)
    network = make_network(folder)
    made = TensorsMade()
    with made:
        run(Sam2Segmenter(network, kept=KEPT), stream(3), {0: {1: ONE}})
    clicks, *ages = sent
    assert np.shape(clicks) == (1, 2)
    assert ages == [[1.0], [2.0, 1.0]]
    assert made.found == []


def test_places_are_not_rounded_to_bfloat16(folder: Path) -> None:
    network = make_network(folder, dtype="bfloat16")
    model = network.model
    matrix = model.prompt_encoder.shared_embedding.positional_embedding.double()
    square = torch.tensor([[[[3.25, 60.5], [31.75, 17.0]]]])
    with network.inference():
        found = model.prompt_encoder.shared_embedding(square, (tiny_sam2.SIDE, tiny_sam2.SIDE))
        whole = model.get_image_wide_positional_embeddings()
    phase = 2 * np.pi * ((2 * square.double() / tiny_sam2.SIDE - 1) @ matrix)
    expected = torch.cat((phase.sin(), phase.cos()), -1)
    np.testing.assert_allclose(found.float().numpy(), expected.numpy(), atol=1e-4)
    assert whole.dtype == torch.float32


class TensorsMade(TorchFunctionMode):
    """Notes the tensors that are made of Python numbers on a device that is named."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Any] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.tensor and (kwargs or {}).get("device") is not None:
            self.found.append(args)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_as_many_bytes_give_nearly_the_same(
    folder: Path, segmenter: Sam2Segmenter, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    def half() -> Said:
        network = make_network(folder, dtype=dtype)
        return run(Sam2Segmenter(network, kept=KEPT), frames, script)

    frames, script = stream(4), {0: {1: ONE}}
    expected, found = run(segmenter, frames, script), half()
    for key, logits in expected.items():
        assert 0 < np.abs(found[key] - logits).mean() < 0.1 * np.abs(logits).mean()
    # With weights that are cast when they are used it is the same to the last bit.
    monkeypatch.setattr(sam2_network, "cast_weights", lambda *_: None)
    for key, logits in half().items():
        np.testing.assert_array_equal(logits, found[key])


def test_a_full_device_is_said(
    segmenter: Sam2Segmenter, network: Sam2Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")

    frames = stream(2)
    segmenter.see(frames[0], 0)
    with monkeypatch.context() as patched:
        patched.setattr(network.model, "forward", full)
        with pytest.raises(DeviceMemoryError, match=r"segmenter: .* found: CUDA out of memory; "):
            segmenter.start(1, 0, points(*ONE))
        patched.setattr(network.model, "get_image_features", full)
        with pytest.raises(DeviceMemoryError, match="enough memory on the device"):
            segmenter.see(frames[1], 1)
    segmenter.reset()
    assert run(segmenter, frames, {0: {1: ONE}}).keys() == {(1, 0), (1, 1)}
