"""Endless stream of samples of several data sets in given shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.readers.base import RecordingReader

PAPER_SHARES: Mapping[str, float] = {"kubric": 0.35, "dynamic_replica": 0.35, "hoi4d": 0.30}
"""Section 4.1 of the paper."""


def mix(
    readers: Mapping[str, RecordingReader[Any]], shares: Mapping[str, float], seed: int
) -> Iterator[TrackSample]:
    """Draw samples of random readers without end.

    Each reader repeats its recordings, in a new order every time.

    Args:
        readers: by name.
        shares: relative frequency of each reader, by the same names.
        seed: determines everything.

    Raises:
        InputError: the names differ, a share is below 0, all of them are 0, or a reader has no
            recordings; or a file of a data set is missing or broken.
    """
    if shares.keys() != readers.keys() or min(shares.values(), default=0) < 0:
        raise InputError(
            f"mixture: expected shares >= 0 of {', '.join(readers) or 'some reader'}, found "
            f"{dict(shares)}"
        )
    total = sum(shares.values())
    if total <= 0:
        raise InputError(f"mixture: expected a share above 0, found {dict(shares)}")
    names = list(readers)
    chances = [shares[name] / total for name in names]
    rng = np.random.default_rng(seed)
    streams = {
        name: _repeated(name, readers[name], np.random.default_rng((seed, index)))
        for index, name in enumerate(names)
    }
    return (next(streams[names[int(rng.choice(len(names), p=chances))]]) for _ in count())


def _repeated(
    name: str, reader: RecordingReader[Any], rng: np.random.Generator
) -> Iterator[TrackSample]:
    if not reader.recordings:
        raise InputError(f"mixture: expected recordings of {name}, found none; leave it out")
    while True:
        yield from reader.samples(int(rng.integers(2**31)))
