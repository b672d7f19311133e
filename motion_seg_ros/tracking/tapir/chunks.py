"""Processing of many points in chunks that fit into device memory."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from motion_seg_ros.errors import DeviceMemoryError
from motion_seg_ros.networks.memory import is_out_of_memory

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class PointChunks:
    """Splits points so that a chunk's working memory stays within a budget.

    If the device runs out of memory all the same, the budget is halved for good and the chunk
    repeated.

    Args:
        budget_mb: working memory of a chunk at most, in MB of 1e6 bytes.
    """

    def __init__(self, budget_mb: float) -> None:
        self._budget_bytes = budget_mb * 1e6

    def run(
        self, count: int, bytes_per_point: float, work: Callable[[slice], Result]
    ) -> list[Result]:
        """Call `work` on consecutive slices of `count` points.

        Args:
            count: 0 or more.
            bytes_per_point: working memory that `work` takes for each.
            work: processes the points of a slice. A slice that ran out of memory is repeated in
                part, so `work` must have no effect before it succeeds.

        Raises:
            DeviceMemoryError: the memory does not even suffice for one point.
        """
        results: list[Result] = []
        done = 0
        while done < count:
            size = max(1, min(count - done, int(self._budget_bytes / bytes_per_point)))
            result = self._attempt(slice(done, done + size), bytes_per_point, work)
            if result is not None:
                results.append(result)
                done += size
        return results

    def _attempt(
        self, points: slice, bytes_per_point: float, work: Callable[[slice], Result]
    ) -> Result | None:
        """Return the result; None, with a smaller budget from now on, if memory ran out."""
        try:
            return work(points)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            # Go on after this block, which keeps the memory of the failed attempt alive.
        size = points.stop - points.start
        torch.cuda.empty_cache()
        if size == 1:
            raise DeviceMemoryError(
                "tracking.backend tapir: expected enough device memory, found too little even for "
                "one point at a time; free some, or lower window.size, tracking.tapir.points or "
                "tracking.tapir.resolution"
            )
        self._budget_bytes = size // 2 * bytes_per_point
        logger.warning(
            "TAPIR: out of memory with %d points at once; from now on %d MB are taken at most",
            size,
            round(self._budget_bytes / 1e6),
        )
        return None
