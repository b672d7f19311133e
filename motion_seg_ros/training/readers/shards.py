"""Windows of recorded data sets on disk, in the files that training reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from motion_seg_ros.errors import InputError, OutputError
from motion_seg_ros.training.samples import TrackSample, write_samples

WINDOWS_PER_SHARD = 200


def write_recorded(
    folder: Path,
    samples: Iterator[TrackSample],
    *,
    split: str,
    windows: int,
    per_shard: int = WINDOWS_PER_SHARD,
    progress: bool = True,
) -> tuple[Path, ...]:
    """Write the next `windows` samples to FOLDER/<split>-recorded-00000.npz and so on.

    Args:
        folder: made if missing; the files of other modes and splits may be in it.
        samples: such as motion_seg_ros.training.readers.mixture.mix gives.
        split: "train", "validation" or "test".
        windows: how many samples.
        per_shard: how many of them a file holds.
        progress: show a bar.

    Returns:
        the files, complete all of them.

    Raises:
        InputError: there are fewer samples, or windows of different lengths; or as the readers'.
        OutputError: a file cannot be written; the earlier ones are whole.
    """
    paths: list[Path] = []
    with tqdm(total=windows, desc=f"{split} recorded", unit="window", disable=not progress) as bar:
        for start in range(0, windows, per_shard):
            wanted = min(per_shard, windows - start)
            shard = []
            for sample in islice(samples, wanted):
                shard.append(sample)
                bar.update()
            path = folder / f"{split}-recorded-{len(paths):05d}.npz"
            _check(path, shard, wanted)
            _write(path, shard)
            paths.append(path)
    return tuple(paths)


def _check(path: Path, shard: list[TrackSample], wanted: int) -> None:
    lengths = sorted({len(each.visible) for each in shard})
    if len(shard) < wanted:
        raise InputError(
            f"{path}: expected {wanted} windows, found {len(shard)}; ask for fewer, or mix "
            "readers, which goes on without end"
        )
    if len(lengths) > 1:
        raise InputError(
            f"{path}: expected windows of one length, found {lengths[0]} to {lengths[-1]} frames; "
            "give the readers no more frames than the shortest recording has"
        )


def _write(path: Path, shard: list[TrackSample]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_samples(path, shard)
    except OSError as error:
        path.with_suffix(".partial").unlink(missing_ok=True)
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}; free some space, or choose another "
            "folder"
        ) from error
