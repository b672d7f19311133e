"""Colours of moving and static pixels."""

from __future__ import annotations

import numpy as np
from disc_images import DISC, SIZE, texture

from motion_seg_ros.masks.fusion.colour import ColourModel, colour_bins


def test_colours_are_learned() -> None:
    image = np.full((*SIZE, 3), (60, 140, 60), np.uint8)
    image[DISC] = (30, 30, 210)
    bins, model = colour_bins(image), ColourModel()
    assert not model.log_odds(bins).any()
    model.learn(bins, np.where(DISC, 0.95, 0.05).astype(np.float32))
    log_odds = model.log_odds(bins)
    assert log_odds is not None
    assert log_odds[DISC].min() > 1.5
    assert log_odds[~DISC].max() < -1.5


def test_uncertain_pixels_teach_no_colour() -> None:
    model = ColourModel()
    bins = colour_bins(texture(0))
    model.learn(bins, np.full(SIZE, 0.5, np.float32))
    assert not model.log_odds(bins).any()


def test_colours_of_what_stands_still_by_its_tracks_are_not_learned_as_moving() -> None:
    image = np.full((*SIZE, 3), (60, 140, 60), np.uint8)
    image[DISC] = (30, 30, 210)
    bins, model = colour_bins(image), ColourModel()
    believed = np.where(DISC, 0.95, 0.05).astype(np.float32)
    model.learn(bins, believed, np.where(DISC, 0, 1).astype(np.float32))
    assert model.log_odds(bins).max() <= 0
