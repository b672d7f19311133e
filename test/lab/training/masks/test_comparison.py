"""Comparison of mask networks at equal false alarms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mask_scenes import disc_sample

from motion_seg_ros.lab.training.masks.comparison import INPUTS, as_table, compare_masks
from motion_seg_ros.lab.training.masks.samples import MaskSample, write_mask_samples
from motion_seg_ros.masks.fusion.channels import BELIEF, NAMES
from motion_seg_ros.masks.fusion.learned import MaskPredictor
from motion_seg_ros.types import FloatArray

TRACKS, COLOUR = NAMES.index("tracks"), NAMES.index("colour")
SCENES = 80  # half of them with movers; each of one frame


class Repeats(MaskPredictor):
    """Stands for a network: its log-odds are one of its inputs."""

    def __init__(self, channel: int) -> None:
        self.channel = channel

    def network_log_odds(self, channels: FloatArray) -> FloatArray:
        return channels[self.channel]


def scene(rng: np.random.Generator, number: int) -> MaskSample:
    """The colours know what moves. The tracks call a quarter of every static frame moving with
    log-odds of 2, and in each fourth scene half of the mover with 1, all else with 3 or -3."""
    sample = disc_sample(rng)
    if number % 2:
        sample.moving[:] = 0
    moving = np.argwhere(sample.moving > 0)
    sample.channels[[BELIEF, TRACKS, COLOUR]] = -3
    if number % 2:
        sample.channels[TRACKS, :12] = 2
    for channel in (TRACKS, COLOUR):
        sample.channels[channel][tuple(moving.T)] = 3
    if number % 4 == 0:
        sample.channels[TRACKS][tuple(moving[::2].T)] = 1
    return sample


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, rng = tmp_path_factory.mktemp("scenes"), np.random.default_rng(0)
    found = [folder / f"{number}.npy" for number in range(SCENES)]
    for number, file in enumerate(found):
        write_mask_samples(file, [scene(rng, number)])
    return found


def test_networks_are_compared_as_by_hand(files: list[Path]) -> None:
    networks = {"first": Repeats(TRACKS), "second": Repeats(COLOUR)}
    found = compare_masks(files, networks, belief_weights=[0], progress_bar=False)
    assert (found.scenes, found.frames) == (SCENES, SCENES)
    assert (found.static_scenes, found.static_frames) == (SCENES // 2, SCENES // 2)
    first, second = found.compared
    # Above 0.9 * 2 there are no false alarms; half of half of the movers is left.
    np.testing.assert_allclose(first.iou, 0.75, atol=2e-3)
    np.testing.assert_allclose(first.bias, -1.8, atol=0.11)
    np.testing.assert_allclose((first.usual_iou, first.usual_alarms), (1, 0.25))
    assert (first.difference, first.deviation) == (0, 0)
    np.testing.assert_allclose((second.iou, second.usual_iou, second.usual_alarms), (1, 1, 0))
    # The share of such movers among those drawn varies as that of heads among SCENES / 2 coins.
    np.testing.assert_allclose(second.difference, 0.25, atol=0.01)
    np.testing.assert_allclose(second.deviation, 0.5 * np.sqrt(0.25 / (SCENES / 2)), rtol=0.2)
    table = as_table(found).splitlines()
    assert table[0] == "80 scenes, 80 frames; nothing moves in 40 frames of 40 scenes"
    assert len(table) == 5


def test_the_belief_is_pooled(files: list[Path]) -> None:
    """With twice the weight of the network a belief of -3 outvotes all of its 3."""
    found = compare_masks(
        files[:20], {"net": Repeats(COLOUR)}, belief_weights=[0, 1.8], progress_bar=False
    )
    assert [each.name for each in found.compared] == ["net, belief 0", "net, belief 1.8"]
    assert [each.usual_iou for each in found.compared] == [1, 0]


def test_what_a_network_does_not_take_earns_nothing(files: list[Path]) -> None:
    found = compare_masks(
        files[:20],
        {"net": Repeats(COLOUR)},
        belief_weights=[0],
        blank_inputs=True,
        progress_bar=False,
    )
    assert len(found.compared) == 1 + len(INPUTS)
    losses = {each.name: each.difference for each in found.compared}
    assert {name for name, loss in losses.items() if loss} == {"net without colour"}
    assert losses["net without colour"] < -0.9


def test_inputs_are_all_channels_once() -> None:
    assert sorted(name for group in INPUTS for name in group) == sorted(NAMES)


def test_without_static_frames_there_is_no_figure(files: list[Path]) -> None:
    found = compare_masks(
        files[:1], {"net": Repeats(COLOUR)}, belief_weights=[0], progress_bar=False
    )
    assert np.isnan(found.compared[0].iou)
    assert found.compared[0].usual_iou == 1
