"""Why a stream could not be judged, and what helps: for the node, and at the end of a recording."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

# Set by hand:
MIN_RESETS = 3
RESET_SHARE = 1 / 20
"""Share of the frames that reset the window above which it hardly ever fills (16 frames by
default)."""
UNJUDGED_SHARE = 1 / 2
"""Share of the frames without labels, after the first ones, above which a recording is told."""

Remedies = Sequence[tuple[str, str]]

RESET_REMEDIES: Remedies = (
    ("gap of", "raise window.max_gap_s above the camera's period, or see why images are missing"),
    ("time jumped back", "see who stamps the images: two cameras on one topic, or a bag in a loop"),
    ("size changed", "see who publishes: the images of one camera must have one size"),
    ("encoding changed", "see who publishes: the images of one camera must have one encoding"),
    ("~/reset", "somebody calls ~/reset"),
)
ABSTENTION_REMEDIES: Remedies = (
    ("too little texture", "more light or contrast, focus, a clean lens"),
    ("too small", "a larger image"),
    ("frames seen", "an unbroken stream of that many frames or more"),
    ("span the window", "a higher frame rate, or slower motion of the camera"),
    ("no common camera motion", "a sharper image or a higher frame rate"),
    ("propagate from", "a faster machine or a slower camera"),
    ("too many frames", "a faster machine or a slower camera"),
    ("out of memory", "a smaller image or window.size"),
)
_YOUNG = "frames seen"  # of the first frames of any stream, which is no fault


def remedy_for(reason: str, remedies: Remedies) -> str:
    """Return the remedy for a reason: of the first pair whose first text it contains."""
    return next((remedy for part, remedy in remedies if part in reason), "see the reason")


def hardly_fills(resets: int, frames: int) -> bool:
    """Return whether a stream begins anew so often that its window hardly ever fills."""
    return resets >= MIN_RESETS and resets >= RESET_SHARE * frames


def unjudged(frames: int, abstentions: Mapping[str, int], resets: Iterable[str]) -> str | None:
    """Return why nothing, or little, could be judged in a whole recording, and what helps; None
    where that is not so.

    Args:
        frames: how many there were.
        abstentions: reason -> number of frames whose tracks were not labelled.
        resets: reasons of the resets of the window.
    """
    reasons = list(resets)
    if hardly_fills(len(reasons), frames):
        reason = _commonest(Counter(reasons))
        return (
            f"the window was reset at {len(reasons)} of {frames} frames: {reason}; "
            f"{remedy_for(reason, RESET_REMEDIES)}"
        )
    if frames == 1:
        return "there is one frame, and motion shows between frames only; give more of them"
    nothing = sum(abstentions.values()) >= frames > 0
    others = Counter({k: n for k, n in abstentions.items() if _YOUNG not in k})
    if not nothing and others.total() <= UNJUDGED_SHARE * frames:
        return None
    reason = _commonest(others) if others else list(abstentions)[-1]
    what = "nothing" if nothing else f"{others.total()} of {frames} frames"
    remedy = remedy_for(reason, ABSTENTION_REMEDIES)
    return f"{what} could {'' if nothing else 'not '}be judged: {reason}; needed: {remedy}"


def _commonest(reasons: Counter[str]) -> str:
    """Return the commonest of reasons, which count as one where they differ in numbers alone."""
    kinds: Counter[str] = Counter()
    for reason, count in reasons.items():
        kinds[_kind(reason)] += count
    ((kind, _),) = kinds.most_common(1)
    return next(each for each in reasons if _kind(each) == kind)


def _kind(reason: str) -> str:
    return re.sub(r"\d+", "0", reason)
