"""The inference thread: it serves the cameras in turn, so that every frame gets an output."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from motion_seg_ros.ros.frame_queue import MAX_WAITING
from motion_seg_ros.ros.frames import InputFrame
from motion_seg_ros.ros.stream import CameraStream

STOP_S = 15.0
"""Time for the current frame when the thread is stopped, after which the pipeline counts as
hanging. Set by hand."""


class InferenceWorker:
    """Runs the pipelines of all cameras in one thread.

    It turns to the camera with the frame that has waited longest, and answers all that wait there:
    the newest by inference. So no camera waits for more than one turn of each other one, however
    fast those are.

    Args:
        streams: one for each camera; their segmenters are used by the thread alone.
    """

    def __init__(self, streams: Sequence[CameraStream]) -> None:
        self._streams = streams
        self._serving = streams[0]
        self._changed = threading.Condition()
        self._stopping = False
        # A daemon, so that the process can end although a pipeline hangs.
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> bool:
        """End the thread after the current frame; waiting frames are dropped.

        Returns:
            False if a pipeline hangs: that is logged, and the thread keeps the pipelines.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        if self._thread.is_alive():
            self._serving.report(f"the pipeline hangs: one frame has taken {STOP_S:g} s or more")
            return False
        return True

    def submit(self, stream: CameraStream, received: InputFrame) -> None:
        """Queue a frame of a camera without blocking."""
        if received.refusal is not None:
            stream.reject(received.refusal)
            return
        if not stream.queue.put(received):
            stream.reject(f"the pipeline hangs: {MAX_WAITING} frames are waiting for it")
            return
        with self._changed:
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._next() is not None)
                stream = self._next()
                if self._stopping or stream is None:
                    return
                self._serving = stream
            stream.answer_next()

    def _next(self) -> CameraStream | None:
        """Return the camera of the next frame; None if no frame waits."""
        if self._serving.queue.in_batch:
            return self._serving
        waiting = [
            (since_s, index)
            for index, each in enumerate(self._streams)
            if (since_s := each.queue.waiting_since_s) is not None
        ]
        return self._streams[min(waiting)[1]] if waiting else None
