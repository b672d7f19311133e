"""Depth images of a bag, each with the image that is nearest by stamp."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from motion_seg_ros.errors import FrameError, InputError
from motion_seg_ros.io.bag_files import RawMessage
from motion_seg_ros.io.depth_messages import depth_to_metres
from motion_seg_ros.io.message_types import damaged
from motion_seg_ros.io.stamps import gap_s, partners
from motion_seg_ros.types import FloatArray

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore


class RecordedDepth:
    """Finds the depth image of each image of a bag while both are read in the order of recording.

    Args:
        place: of the depth images, for errors: the bag and their topic.
        images_ns: index of the message -> stamp, of each image.
        depths_ns: the same of each depth image.
        slop_s: largest difference of the stamps of a pair, in seconds.

    Raises:
        InputError: no image has depth.
    """

    def __init__(
        self, place: str, images_ns: Mapping[int, int], depths_ns: Mapping[int, int], slop_s: float
    ) -> None:
        self._place = place
        images, depths = list(images_ns.values()), list(depths_ns.values())
        indices = list(depths_ns)
        found = zip(images_ns, partners(images, depths, slop_s), strict=True)
        self._partners = {image: indices[each] for image, each in found if each is not None}
        self._needed = Counter(self._partners.values())
        if not self._needed:
            near = f", the nearest {gap_s(images, depths):.3f} s away" if images and depths else ""
            raise InputError(
                f"{place}: expected depth within {slop_s:g} s of the stamps of the images, found "
                f"{len(depths)} depth images{near}; raise depth.slop_s, or choose another topic"
            )
        self._kept: dict[int, RawMessage] = {}

    def add(self, message: RawMessage) -> None:
        """Take the next depth image."""
        if message.number in self._needed:
            self._kept[message.number] = message

    def join(self, images: Iterable[RawMessage]) -> Iterator[tuple[RawMessage, RawMessage | None]]:
        """Yield each image with its depth image, None where it has none.

        Args:
            images: in any order; taking the next one leads to `add` for the depth images that
                were recorded before it.
        """
        waiting: deque[tuple[RawMessage, int | None]] = deque()
        for image in images:
            waiting.append((image, self._partners.get(image.number)))
            while waiting and (waiting[0][1] is None or waiting[0][1] in self._kept):
                yield self._pair(*waiting.popleft())
        for each in waiting:
            yield self._pair(*each)

    def _pair(self, image: RawMessage, partner: int | None) -> tuple[RawMessage, RawMessage | None]:
        if partner is None:
            return image, None
        self._needed[partner] -= 1
        return image, self._kept[partner] if self._needed[partner] else self._kept.pop(partner)

    def metres(self, raw: RawMessage, kind: str, types: Typestore) -> FloatArray:
        """Return a depth image as (H, W) float32 metres, NaN where unknown.

        Args:
            raw: the message.
            kind: its type.
            types: as from `typestore`.

        Raises:
            InputError: it cannot be read.
        """
        place = f"{self._place}, recorded at {raw.recorded_ns}"
        # Typed Any: rosbags makes the message classes at run time.
        try:
            message: Any = types.deserialize_cdr(raw.data, kind)
        except Exception as error:  # of struct, numpy and others
            raise damaged(place, kind, error) from error
        try:
            return depth_to_metres(message)
        except FrameError as error:
            raise InputError(f"{place}: {error}") from error
