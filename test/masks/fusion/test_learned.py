"""The mask network on the evidence about a frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from invented_evidence import evidence

from motion_seg_ros.masks.fusion.channels import mask_channels, whole_cells
from motion_seg_ros.masks.fusion.learned import BELIEF_WEIGHT, BIAS, NETWORK_WEIGHT, MaskPredictor
from motion_seg_ros.masks.fusion.network import load_mask_network


def test_network_and_belief_are_heard_together(weights: Path) -> None:
    belief = np.random.default_rng(0).normal(0, 2, (20, 30)).astype(np.float32)
    known = evidence(size=(20, 30), belief=belief)
    found = MaskPredictor(weights).log_odds(known)
    with torch.inference_mode():
        channels = torch.from_numpy(whole_cells(mask_channels(known)))[None]
        said = load_mask_network(weights)(channels)[0, 0, :10, :15].numpy()
    assert found.shape == belief.shape
    # Where a pixel lies in the middle of four small ones, linear interpolation is their mean.
    small = (found - BELIEF_WEIGHT * belief - BIAS) / NETWORK_WEIGHT
    middle = small[1:-1, 1:-1].reshape(9, 2, 14, 2).mean((1, 3))
    four = said[:-1, :-1] + said[1:, :-1] + said[:-1, 1:] + said[1:, 1:]
    np.testing.assert_allclose(middle, four / 4, rtol=1e-3, atol=1e-3)
