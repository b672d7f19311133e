"""Shares of a mixture, by counting."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.readers.base import RecordingReader
from motion_seg_ros.lab.training.readers.mixture import PAPER_SHARES, mix


class Numbered(RecordingReader[int]):
    """Samples tagged with the reader's name and the recording's number, in random order."""

    def __init__(self, name: str, recordings: int) -> None:
        super().__init__(range(recordings), 2)
        self._name = name

    def _sample(self, recording: int, rng: np.random.Generator) -> TrackSample:
        return TrackSample(
            xy_px=np.zeros((2, 1, 2), np.float32),
            visible=np.ones((2, 1), bool),
            confidence=np.ones((2, 1), np.float32),
            size=(8, 8),
            moving=np.zeros(1, bool),
            labelled=np.ones(1, bool),
            matrix=np.eye(3),
            tags=(self._name, str(recording)),
        )


def readers() -> dict[str, Numbered]:
    return {name: Numbered(name, 7) for name in PAPER_SHARES}


def test_shares_are_the_papers() -> None:
    assert sum(PAPER_SHARES.values()) == pytest.approx(1)
    count = 4000
    found = Counter(each.tags[0] for each in islice(mix(readers(), PAPER_SHARES, 0), count))
    for name, share in PAPER_SHARES.items():
        deviation = (share * (1 - share) / count) ** 0.5
        assert found[name] / count == pytest.approx(share, abs=4 * deviation)


def test_shares_need_not_sum_to_one() -> None:
    shares = {"kubric": 2.0, "dynamic_replica": 0.0, "hoi4d": 2.0}
    found = Counter(each.tags[0] for each in islice(mix(readers(), shares, 0), 1000))
    assert found["dynamic_replica"] == 0
    assert 400 < found["kubric"] < 600


def test_recordings_come_again_in_another_order() -> None:
    stream = mix({"kubric": Numbered("kubric", 7)}, {"kubric": 1.0}, 0)
    passes = [[each.tags[1] for each in islice(stream, 7)] for _ in range(3)]
    assert all(sorted(each) == sorted(map(str, range(7))) for each in passes)
    assert passes[0] != passes[1] or passes[1] != passes[2]


def test_the_seed_chooses_everything() -> None:
    def tags(seed: int) -> list[tuple[str, ...]]:
        return [each.tags for each in islice(mix(readers(), PAPER_SHARES, seed), 50)]

    assert tags(1) == tags(1)
    assert tags(1) != tags(2)


@pytest.mark.parametrize(
    "shares",
    [
        {},
        {"kubric": 1.0},
        {**PAPER_SHARES, "other": 0.1},
        {**PAPER_SHARES, "hoi4d": -0.1},
        dict.fromkeys(PAPER_SHARES, 0.0),
    ],
)
def test_wrong_shares(shares: dict[str, float]) -> None:
    with pytest.raises(InputError, match="mixture: expected"):
        mix(readers(), shares, 0)


def test_an_empty_reader_is_named() -> None:
    with pytest.raises(InputError, match="recordings of kubric"):
        next(mix({"kubric": Numbered("kubric", 0)}, {"kubric": 1.0}, 0))
