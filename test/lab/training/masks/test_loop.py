"""Training of the mask network: the loss, and that it learns what can be learned."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import torch
from mask_scenes import disc_sample
from safetensors import safe_open

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.training.masks.batches import MaskBatch
from motion_seg_ros.lab.training.masks.dataset import MaskData
from motion_seg_ros.lab.training.masks.loop import (
    CHECKPOINT_FILE,
    WEIGHTS_FILE,
    MaskTraining,
    mask_loss,
    train_masks,
)
from motion_seg_ros.lab.training.masks.validation import validate_masks
from motion_seg_ros.masks.fusion.network import load_mask_network
from motion_seg_ros.networks.tensor_files import load_tensors


def test_the_loss_is_the_closed_form_and_blind_where_nothing_is_known() -> None:
    moving = torch.zeros(1, 10, 20)
    moving[:, :, :10] = 1
    weight = torch.ones(1, 10, 20)
    batch = MaskBatch(torch.zeros(1), moving, weight)
    # log 2 everywhere; Dice of one half against 100 of 200 pixels.
    expected = np.log(2) + 0.5 * (1 - (2 * 50 + 50) / (100 + 100 + 50))
    found = mask_loss(torch.zeros(1, 10, 20), batch)
    np.testing.assert_allclose(found.item(), expected, rtol=1e-5)
    right = torch.where(moving > 0, 20.0, -20.0)
    wrong_where_unknown = right.clone()
    wrong_where_unknown[:, 5:] *= -1
    weight[:, 5:] = 0
    np.testing.assert_allclose(mask_loss(wrong_where_unknown, batch).item(), 0, atol=1e-5)


def disc_data(seed: int, training: int, validation: int) -> MaskData:
    rng = np.random.default_rng(seed)
    samples = [disc_sample(rng) for _ in range(training + validation)]
    return MaskData(samples[:training], {("discs", "every frame"): samples[training:]})


@pytest.mark.parametrize("bfloat16", [False, True])
def test_it_learns_and_writes_what_it_learned(tmp_path: Path, bfloat16: bool) -> None:
    data = disc_data(0, 8, 3)
    options = MaskTraining(steps=40, batch=4, learning_rate=5e-3, bfloat16=bfloat16)
    score = train_masks(data, options, tmp_path, metadata={"who": "a test"}, progress_bar=False)
    assert score.iou > 0.85
    assert score.belief_iou < 0.5
    weights = tmp_path / WEIGHTS_FILE
    again = validate_masks(load_mask_network(weights), data.validation)["all"]
    np.testing.assert_equal(astuple(again), astuple(score))  # nan, without still frames, is equal
    with safe_open(weights, framework="pt") as file:
        metadata = file.metadata()
    assert metadata["who"] == "a test"
    assert metadata["step"] == "40"
    assert metadata["iou"] == f"{score.iou:.4f}"


def test_an_interrupted_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    data = disc_data(1, 3, 1)
    options = MaskTraining(steps=6, batch=2, validation_interval=100)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    train_masks(data, options, whole, metadata={}, progress_bar=False)
    polls = iter([False] * 4 + [True])  # while the mean is made
    train_masks(data, options, parts, metadata={}, stop=lambda: next(polls), progress_bar=False)
    with safe_open(parts / WEIGHTS_FILE, framework="pt") as file:
        assert file.metadata()["step"] == "5"
    train_masks(data, options, parts, metadata={}, resume=True, progress_bar=False)
    expected, _ = load_tensors(whole / WEIGHTS_FILE)
    found, metadata = load_tensors(parts / WEIGHTS_FILE)
    assert metadata["step"] == "6"
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=0)
    # A finished run is only scored.
    train_masks(data, options, parts, metadata={}, resume=True, progress_bar=False)


def test_the_result_is_the_mean_over_the_last_quarter(tmp_path: Path) -> None:
    """A run of eight steps, stopped after each of the last three."""
    data, options = disc_data(3, 3, 1), MaskTraining(steps=8, batch=2)
    networks, results = {}, {}
    for step in (6, 7, 8):
        folder = tmp_path / str(step)
        folder.mkdir()
        polls = iter([each == step for each in range(1, 9)])
        train_masks(
            data, options, folder, metadata={}, stop=lambda p=polls: next(p), progress_bar=False
        )
        checkpoint = torch.load(folder / CHECKPOINT_FILE, weights_only=True)
        networks[step] = checkpoint["network"]
        results[step], _ = load_tensors(folder / WEIGHTS_FILE)
    assert not torch.equal(networks[7]["stem.weight"], networks[8]["stem.weight"])
    for name, tensor in results[8].items():
        torch.testing.assert_close(tensor, (networks[7][name] + networks[8][name]) / 2)
        torch.testing.assert_close(results[6][name], networks[6][name])


@pytest.mark.parametrize("damage", ["missing", "damaged", "other options"])
def test_what_cannot_be_resumed_is_named(tmp_path: Path, damage: str) -> None:
    data = disc_data(2, 1, 1)
    options = MaskTraining(steps=1, batch=1)
    if damage != "missing":
        train_masks(data, options, tmp_path, metadata={}, progress_bar=False)
    if damage == "damaged":
        (tmp_path / CHECKPOINT_FILE).write_bytes(b"nothing")
    if damage == "other options":
        options = MaskTraining(steps=2, batch=1)
    expected = {
        "missing": "found none; leave out --resume",
        "damaged": "expected a checkpoint of motion_seg train-masks",
        "other options": "expected a run with steps 2, found 1",
    }[damage]
    with pytest.raises(InputError, match=expected):
        train_masks(data, options, tmp_path, metadata={}, resume=True, progress_bar=False)
