"""The frames of one camera that wait for inference."""

from __future__ import annotations

import threading
from collections import deque

from motion_seg_ros.ros.frames import InputFrame

MAX_WAITING = 10_000
"""Longest queue, most of it without pixels; only a pipeline that hangs gets there. Set by hand."""


class FrameQueue:
    """A queue that gives its frames in batches, and bounds the memory of their pixels.

    Frames that arrive while a batch is taken belong to the next one. Thread-safe.

    Args:
        max_bytes: memory for the images. Beyond it the oldest lose their pixels, except the newest
            of a batch, which is the one that is inferred.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._frames: deque[InputFrame] = deque()
        self._bytes = 0
        self._batch = 0  # frames left of the batch that is being taken

    @property
    def waiting_since_s(self) -> float | None:
        """Time of arrival of the oldest frame, in seconds of the steady clock; None if empty."""
        with self._lock:
            return self._frames[0].arrived_s if self._frames else None

    @property
    def in_batch(self) -> bool:
        """True while a batch has been begun and not been taken whole."""
        return self._batch > 0

    def put(self, received: InputFrame) -> bool:
        """Append a frame; return false, without doing so, if MAX_WAITING frames wait."""
        with self._lock:
            if len(self._frames) >= MAX_WAITING:
                return False
            self._frames.append(received)
            self._bytes += received.payload_bytes
            self._bound_memory()
            return True

    def take(self) -> tuple[InputFrame, int]:
        """Remove the oldest frame; return it and the number of newer ones in its batch.

        Raises:
            IndexError: the queue is empty.
        """
        with self._lock:
            self._batch = (self._batch or len(self._frames)) - 1
            received = self._frames.popleft()
            self._bytes -= received.payload_bytes
            return received, self._batch

    def _bound_memory(self) -> None:
        """Drop the oldest images, except the two that will be inferred: the newest of the batch in
        hand and the newest of all. The caller holds the lock."""
        for i in range(len(self._frames) - 1):
            if self._bytes <= self._max_bytes:
                break
            if i != self._batch - 1:
                self._bytes -= self._frames[i].payload_bytes
                self._frames[i] = self._frames[i].without_payload()
