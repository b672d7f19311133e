"""Advice where nothing comes on a topic: what is published there, and beside it, instead."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from motion_seg_ros.io.video_packets import REPUBLISH, VIDEO_TYPES

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
MAX_NAMED = 4  # topics; set by hand


@dataclass(frozen=True)
class WantedTopic:
    """A topic that the node listens to.

    Attributes:
        name: its full name, with the suffix of the transport.
        kind: message type.
        remapped: name of the topic in the node, as it is remapped.
        setting: parameter that chooses the transport.
        suffix: that of the compressed transport, such as "/compressed".
    """

    name: str
    kind: str = IMAGE
    remapped: str = "image"
    setting: str = "image_transport"
    suffix: str = "/compressed"

    @property
    def compressed(self) -> str:
        """The value of the setting for the compressed transport."""
        return self.suffix.removeprefix("/")


def mistake(wanted: WantedTopic, published: Mapping[str, Set[str]]) -> str:
    """Return what to change where images cannot come, whatever one waits for; "" where they can.

    Args:
        wanted: what the node listens to.
        published: types of what others publish, by topic.
    """
    here = published.get(wanted.name, frozenset())
    if here:
        return "" if wanted.kind in here else _another_type(wanted, sorted(here)[0])
    base = wanted.name.removesuffix(wanted.suffix)
    if wanted.kind == COMPRESSED and COMPRESSED in published.get(base, frozenset()):
        return (
            f"{wanted.setting} is {wanted.compressed}, by which {wanted.suffix} is added to the "
            f"name, and {base} has it already: remap {wanted.remapped} to "
            f"{base.removesuffix(wanted.suffix)}"
        )
    return ""


def advice(wanted: WantedTopic, published: Mapping[str, Set[str]]) -> str:
    """Return what to change where images have not come for long; "" where nothing that is published
    explains it. Arguments as for `mistake`."""
    if wanted.name in published:
        return mistake(wanted, published)
    base = wanted.name.removesuffix(wanted.suffix)
    if wanted.kind == IMAGE:
        if COMPRESSED in published.get(wanted.name + wanted.suffix, frozenset()):
            return (
                f"only {wanted.name}{wanted.suffix} is published: set {wanted.setting} to "
                f"{wanted.compressed}"
            )
    elif IMAGE in published.get(base, frozenset()):
        return f"only {base} is published, which is raw: set {wanted.setting} to raw"
    return mistake(wanted, published) or _others(wanted, published)


def _another_type(wanted: WantedTopic, found: str) -> str:
    problem = f"what is published there is {found}, expected {wanted.kind}"
    if found == COMPRESSED and wanted.kind == IMAGE:
        base = wanted.name.removesuffix(wanted.suffix)
        return (
            f"{problem}: set {wanted.setting} to {wanted.compressed} and remap {wanted.remapped} "
            f"to {base}"
        )
    if found == IMAGE and wanted.kind == COMPRESSED:
        return f"{problem}: set {wanted.setting} to raw and remap {wanted.remapped} to it"
    if found in VIDEO_TYPES:
        return f"{problem}: {REPUBLISH}"
    return f"{problem}: remap {wanted.remapped} to a topic of images"


def _others(wanted: WantedTopic, published: Mapping[str, Set[str]]) -> str:
    """Name the topics of images, of which one may be meant."""
    images = sorted(name for name, kinds in published.items() if kinds & {IMAGE, COMPRESSED})
    if not images:
        videos = sorted(name for name, kinds in published.items() if kinds & VIDEO_TYPES.keys())
        return f"only video is published, on {videos[0]}: {REPUBLISH}" if videos else ""
    named = ", ".join([*images[:MAX_NAMED], *(["..."] if len(images) > MAX_NAMED else [])])
    return f"images are published on {named}: remap {wanted.remapped}"
