"""The part of an object's past that is kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny_sam2
import torch
from sam2_networks import KEPT, library, make_network
from segmenter_runs import ONE, OTHER, THREE, TOLERANCE, Script, held, points, run, stream

from motion_seg_ros.errors import ConfigError
from motion_seg_ros.masks.sam2.network import Sam2Network
from motion_seg_ros.masks.sam2.segmenter import Sam2Segmenter


def test_memory_is_flat(segmenter: Sam2Segmenter) -> None:
    frames = stream(4)
    found = {}
    for index in range(56):
        segmenter.see(frames[index % 4], index)
        for each in (1, 2):
            if index == 0:
                segmenter.start(each, index, points(*ONE))
            elif index % 4 == each:  # oftener than frames with clicks are kept
                segmenter.prompt(each, index, points(*OTHER))
            else:
                segmenter.follow(each, index)
        found[index] = held(segmenter)
    assert found[55] == found[39] == found[23]
    assert found[23][0] > found[3][0]  # it did count


def make_cheap(network: Sam2Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put constants in the place of what a SAM 2 network works out, and leave all its bookkeeping:
    thousands of steps take seconds."""
    model, side = network.model, tiny_sam2.SIDE
    maps = [
        torch.zeros((side // scale) ** 2, 1, channels)
        for scale, channels in ((4, 16), (8, 32), (16, tiny_sam2.CHANNELS))
    ]
    output = SimpleNamespace(fpn_hidden_states=maps, fpn_position_encoding=maps)
    cells, low = side // 16, side // 4

    def decoded(**_: object) -> SimpleNamespace:
        return SimpleNamespace(
            pred_masks=torch.ones(1, 1, low, low),
            high_res_masks=torch.ones(1, 1, side, side),
            object_pointer=torch.ones(1, 1, tiny_sam2.CHANNELS),
            object_score_logits=torch.ones(1, 1, 1),
        )

    def encoded(*_: object) -> tuple[Any, Any]:
        return tuple(torch.ones(1, tiny_sam2.MEMORY_CHANNELS, cells, cells) for _ in range(2))

    def attended(current_vision_features: Any, memory: Any, **_: object) -> Any:
        # 4 memories of frames with clicks, 6 of others; 4 and 15 pointers of two halves each.
        assert len(memory) <= (4 + 6) * cells**2 + (4 + 15) * 2
        return current_vision_features.transpose(0, 1)[None]

    monkeypatch.setattr(model, "get_image_features", lambda *_, **__: output)
    monkeypatch.setattr(model, "_single_frame_forward", decoded)
    monkeypatch.setattr(model.memory_encoder, "forward", encoded)
    monkeypatch.setattr(model.memory_attention, "forward", attended)


def test_memory_is_flat_over_2000_frames_with_5_objects(
    sam2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = make_network(sam2_folder)
    make_cheap(network, monkeypatch)
    segmenter = Sam2Segmenter(network, kept=8)
    frame = stream(1)[0]
    found = {}
    for index in range(2000):
        segmenter.see(frame, index)
        for each in range(5):
            if index == 0:
                segmenter.start(each, index, points(*ONE))
            elif index % 100 == 20 * each:
                segmenter.prompt(each, index, points(*THREE))
            else:
                segmenter.follow(each, index)
        if index % 100 == 99:
            found[index] = held(segmenter)
    assert len({found[index] for index in range(499, 2000, 100)}) == 1


def test_frames_with_clicks_beyond_the_limit_are_forgotten(sam2_folder: Path) -> None:
    frames = stream(6)
    clicked_at = (0, 1, 2, 3)
    script: Script = {index: {1: ONE if index % 2 else OTHER} for index in clicked_at}
    network = make_network(sam2_folder, clicked=2)
    found = run(Sam2Segmenter(network, kept=KEPT), frames, script)
    # Those of the last two frames with clicks are all there is: as if it had begun with them.
    late = {index - 2: clicks for index, clicks in script.items() if index >= 2}
    expected = library(sam2_folder, frames[2:], late)
    np.testing.assert_allclose(found[1, 4], expected[1, 2], atol=TOLERANCE)


@pytest.mark.parametrize(
    ("limits", "last"), [({"memories": 2}, 2), ({"memories": 4}, 4), ({"pointers": 7}, 7)]
)
def test_fewer_memories_or_pointers_are_as_all_while_there_are_no_more(
    sam2_folder: Path, limits: dict[str, int], last: int
) -> None:
    frames, script = stream(last + 2), {0: {1: ONE}}
    expected = library(sam2_folder, frames, script)
    found = run(Sam2Segmenter(make_network(sam2_folder, **limits), kept=KEPT), frames, script)
    for index in range(last + 1):
        np.testing.assert_allclose(found[1, index], expected[1, index], atol=TOLERANCE)
    assert np.abs(found[1, last + 1] - expected[1, last + 1]).max() > 5 * TOLERANCE


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"memories": 8}, "sam2.memory_frames: expected 1 to 7, found 8"),
        ({"memories": 5, "pointers": 4}, "sam2.pointer_frames: expected 5 to 16, found 4"),
        ({"clicked": 0}, "clicked: expected at least 1, found 0"),
    ],
)
def test_limits_out_of_range_are_refused(
    sam2_folder: Path, limits: dict[str, int], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        make_network(sam2_folder, **limits)
