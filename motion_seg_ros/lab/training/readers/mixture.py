"""Several data sets as one endless stream of samples, in given shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

import numpy as np

from motion_seg_ros.errors import InputError
from motion_seg_ros.lab.track_samples import TrackSample
from motion_seg_ros.lab.training.readers.base import Reader

PAPER_SHARES: Mapping[str, float] = {"kubric": 0.35, "dynamic_replica": 0.35, "hoi4d": 0.30}
"""Section 4.1 of the paper."""


def mix(
    readers: Mapping[str, Reader], shares: Mapping[str, float], seed: int
) -> Iterator[TrackSample]:
    """Samples of random readers, without end.

    Each reader goes through its recordings again and again, in a new order every time.

    Args:
        readers: by name.
        shares: how often each is drawn from, relative to the others; of the names of `readers`.
        seed: chooses everything.

    Raises:
        InputError: other names, a share below 0, all of them 0, a reader without recordings; or a
            file of a data set is missing or broken.
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
        name: _again_and_again(name, readers[name], np.random.default_rng((seed, index)))
        for index, name in enumerate(names)
    }
    return (next(streams[names[int(rng.choice(len(names), p=chances))]]) for _ in count())


def _again_and_again(name: str, reader: Reader, rng: np.random.Generator) -> Iterator[TrackSample]:
    while True:
        empty = True
        for sample in reader.samples(int(rng.integers(2**31))):
            empty = False
            yield sample
        if empty:
            raise InputError(f"mixture: expected recordings of {name}, found none; leave it out")
