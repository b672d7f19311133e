"""Choice of the working size: the largest at which the machine keeps up with the camera."""

from __future__ import annotations

import statistics
import time
from collections import deque

from motion_seg_ros.flow.dense import DenseFlow
from motion_seg_ros.flow.working_size import LINES, fitted_size

BUDGETS = (180, LINES, 288, 360)
"""Lines to choose from, see `fitted_size`: 320x180 to 640x360. Few, so that there are few shapes;
what they bring is in docs/masks.md. With fewer lines masks are much worse, and hardly sooner there.
Set by hand."""

# Set by hand:
WARM_UP_S = 1.0  # of a stream, in which frames take longer
SPAN_S = 10.0  # over which times are averaged,
MIN_FRAMES = 6  # and frames at least
HICCUPS = 0.1  # share of the frames, those that took longest, that do not count; one at least
PAUSE_S = 10.0  # between two changes, at least; before the first rise
AFTER_FALL_S = 60.0  # until a rise is tried again
TOO_LONG = 1.25  # shares of the time there is for a frame: with this one in five is not inferred,
SHORT_ENOUGH = 0.8  # and so fast it must be expected to be at a larger size


class SizeControl:
    """Chooses the lines of the working images of one camera from the times of its frames.

    Expected times are cautious: a larger size is taken to cost as much more as it has more pixels,
    and of a smaller one half of the time not to depend on them. Not thread-safe.

    Args:
        cameras: how many share the thread that infers.

    Attributes:
        lines: the choice.
        frame_s: mean time of an inferred frame, without hiccups; None while not known.
        available_s: time there is for it: from one image to the next, shared among the cameras;
            None while not known.
    """

    def __init__(self, cameras: int) -> None:
        self.lines = LINES
        self.frame_s: float | None = None
        self.available_s: float | None = None
        self._cameras = cameras
        self._arrivals: deque[float] = deque()
        self._times: deque[tuple[float, float]] = deque()  # when it was answered, how long it took
        self._size = (0, 0)
        self._warm_s = self._may_fall_s = self._may_rise_s = float("-inf")

    def record(
        self,
        size: tuple[int, int],
        arrived_s: float,
        answered_s: float,
        took_s: float | None,
        *,
        anew: bool = False,
    ) -> bool:
        """Note a frame that was answered; return whether `lines` has changed.

        Args:
            size: (H, W) of the image.
            arrived_s: when it came, by the steady clock; not before the last one did.
            answered_s: when it was answered, by the same clock.
            took_s: the thread's time for it if it was inferred, else None.
            anew: a new stream begins with it.
        """
        if anew or size != self._size:
            self._size = size
            self._arrivals.clear()
            self._times.clear()
            self._warm_s = answered_s + WARM_UP_S
            self._may_rise_s = max(self._may_rise_s, answered_s + PAUSE_S)
        self._arrivals.append(arrived_s)
        if took_s is not None and answered_s >= self._warm_s:
            self._times.append((answered_s, took_s))
        self._measure(arrived_s, answered_s)
        if self.frame_s is None or self.available_s is None or len(self._times) < MIN_FRAMES:
            return False
        return self._change(self._choice(answered_s), answered_s)

    def _measure(self, arrived_s: float, answered_s: float) -> None:
        while len(self._arrivals) > MIN_FRAMES and self._arrivals[0] < arrived_s - SPAN_S:
            self._arrivals.popleft()
        while len(self._times) > MIN_FRAMES and self._times[0][0] < answered_s - SPAN_S:
            self._times.popleft()
        count = len(self._arrivals)
        period_s = (self._arrivals[-1] - self._arrivals[0]) / (count - 1) if count > 1 else 0.0
        self.available_s = period_s / self._cameras or None
        times = sorted(each for _, each in self._times)
        hiccups = max(1, int(HICCUPS * len(times)))
        self.frame_s = statistics.fmean(times[:-hiccups]) if len(times) > hiccups else None

    def _choice(self, now_s: float) -> int:
        """Return the lines to go on with."""
        assert self.frame_s is not None
        assert self.available_s is not None
        load = self.frame_s / self.available_s
        more = {each: self._pixels(each) / self._pixels(self.lines) for each in BUDGETS}
        if load > TOO_LONG and now_s >= self._may_fall_s:
            smaller = [each for each in BUDGETS if more[each] < 1]
            fast = [each for each in smaller if load * (1 + more[each]) / 2 <= TOO_LONG]
            return max(fast, default=min(smaller, default=self.lines))
        if load < SHORT_ENOUGH and now_s >= self._may_rise_s:
            larger = [
                each for each in BUDGETS if more[each] > 1 and load * more[each] <= SHORT_ENOUGH
            ]
            return max(larger, default=self.lines)
        return self.lines

    def _change(self, lines: int, now_s: float) -> bool:
        if lines == self.lines:
            return False
        pause_s = AFTER_FALL_S if lines < self.lines else PAUSE_S
        self.lines = lines
        self._may_fall_s, self._may_rise_s = now_s + PAUSE_S, now_s + pause_s
        self._times.clear()
        return True

    def _pixels(self, lines: int) -> int:
        height, width = fitted_size(self._size, lines)
        return height * width


class WorkingSize:
    """The working size of the pipeline of one camera, as /diagnostics shows it.

    Args:
        flow: of the pipeline.
        control: chooses the size; None: it is fixed.
    """

    def __init__(self, flow: DenseFlow, control: SizeControl | None) -> None:
        self._flow = flow
        self._control = control
        self._why = " (auto)"
        if control is not None:
            flow.set_budget(control.lines)

    def answered(
        self, size: tuple[int, int], arrived_s: float, took_s: float | None, *, anew: bool = False
    ) -> tuple[str, str]:
        """Note a frame that was answered now, and change the size for the next ones if it is time.

        Args:
            size: see `SizeControl.record`, as are the next.
            arrived_s: see there.
            took_s: see there.
            anew: see there.

        Returns:
            The size, and why; a line about its change, "" without.
        """
        control, before = self._control, _shown(self._flow.size_of(size))
        if control is None:
            return before, ""
        changed = control.record(size, arrived_s, time.monotonic(), took_s, anew=anew)
        times = ""
        if control.frame_s is not None and control.available_s is not None:
            times = f"{1e3 * control.frame_s:.0f} ms of {1e3 * control.available_s:.0f} ms"
            self._why = f" (auto: {times})"
        if not changed:
            return f"{before}{self._why}", ""
        self._flow.set_budget(control.lines)
        now = _shown(self._flow.size_of(size))
        self._why = f" (auto: it took {times} at {before})"  # until the times there are known
        return f"{now}{self._why}", (
            f"working size {now} after {before}: a frame took {times} there are for it"
        )


def _shown(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"
