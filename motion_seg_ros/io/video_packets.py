"""Decoding of video that comes packet by packet in messages: H.264 and others, by PyAV.

Messages: ffmpeg_image_transport_msgs/FFMPEGPacket, foxglove_msgs/CompressedVideo, and
sensor_msgs/CompressedImage whose format names a codec. Each holds one picture.
"""

from __future__ import annotations

import typing
from typing import Any

from motion_seg_ros.errors import FrameError, MissingDependencyError, shown
from motion_seg_ros.types import UInt8Array

FFMPEG_PACKET = "ffmpeg_image_transport_msgs/msg/FFMPEGPacket"
COMPRESSED_VIDEO = "foxglove_msgs/msg/CompressedVideo"
VIDEO_TYPES = {
    # https://github.com/ros-misc-utilities/ffmpeg_image_transport_msgs
    FFMPEG_PACKET: "std_msgs/Header header\nint32 width\nint32 height\nstring encoding\n"
    "uint64 pts\nuint8 flags\nbool is_bigendian\nuint8[] data",
    # https://docs.foxglove.dev/docs/sdk/schemas/compressed-video
    COMPRESSED_VIDEO: "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\n"
    "string format",
}
"""Message types of packets, and their definitions."""
VIDEO_SUFFIXES = ("/ffmpeg", "/foxglove")
"""What image_transport adds to the names of their topics."""

_DECODERS = {
    "h264": ("h264", "x264", "avc"),
    "hevc": ("hevc", "h265", "x265"),
    "libdav1d": ("av1", "dav1d"),
    "vp9": ("vp9",),
    "vp8": ("vp8", "vpx"),
    "mpeg4": ("mpeg4",),
}
"""FFmpeg's decoders, and what the names of encoders and formats have in them (libx264, h264_nvenc,
h265)."""
REPUBLISH = (
    "ros2 run image_transport republish makes raw images of them (package ffmpeg_image_transport)"
)


def codec_of(name: str) -> str | None:
    """Return FFmpeg's decoder for a format, or for the encoding of an FFMPEGPacket; None where it
    names no video codec."""
    first = name.partition(";")[0].strip().lower()
    for decoder, parts in _DECODERS.items():
        if any(part in first for part in parts):
            return decoder
    return None


class PacketDecoder:
    """Decodes the packets of one stream, in order, each to its picture.

    Args:
        codec: see `codec_of`.

    Raises:
        MissingDependencyError: PyAV is not installed.
    """

    def __init__(self, codec: str) -> None:
        try:
            import av
            from av.codec.context import Flags

            self._context: Any = av.CodecContext.create(codec, "r")
        except (ImportError, ValueError) as error:  # or a build without this codec
            raise MissingDependencyError(
                f"{codec} video in messages: expected the Python package av (PyAV), found: {error};"
                f" pip install av, or {REPUBLISH}"
            ) from error
        self.codec = codec
        self._failures: tuple[type[Exception], ...] = (av.error.FFmpegError,)
        self._packet: Any = av.Packet  # Typed Any: PyAV is not installed everywhere
        # A picture comes with its own packet, not with a later one.
        self._context.thread_count = 1
        self._context.flags |= Flags.low_delay
        self._started = False

    def decode(self, data: bytes) -> UInt8Array:
        """Return the picture of the next packet, (H, W, 3) bgr.

        Raises:
            FrameError: it is damaged, or depends on packets that did not come.
        """
        try:
            frames = self._context.decode(self._packet(data)) if data else []
        except self._failures as error:
            raise self._failure(f"an error ({getattr(error, 'strerror', error)})") from error
        if len(frames) != 1:
            raise self._failure(str(len(frames)))
        if frames[0].is_corrupt:
            raise self._failure("a damaged one")
        self._started = True
        return typing.cast(UInt8Array, frames[0].to_ndarray(format="bgr24"))

    def _failure(self, found: str) -> FrameError:
        before = "" if self._started else ", before the first key frame"
        return FrameError(
            f"image: expected a packet of {self.codec} with one picture, found {found}{before}",
            "send key frames more often, and no B-frames",
            "",
        )


class VideoState:
    """The decoder of a stream, if its messages are packets."""

    def __init__(self) -> None:
        self._decoder: PacketDecoder | None = None

    def lose(self) -> None:
        """Note that a message was left out: the next key frame is waited for."""
        self._decoder = None

    def picture(self, message: Any, codec: str) -> UInt8Array:
        """Return the picture of a message.

        Raises:
            FrameError: see PacketDecoder.
        """
        if self._decoder is None or self._decoder.codec != codec:
            try:
                self._decoder = PacketDecoder(codec)
            except MissingDependencyError as error:
                raise FrameError(str(error)) from error
        try:
            return self._decoder.decode(bytes(message.data))
        except FrameError:
            self._decoder = None  # what follows depends on this one
            raise


def packet_codec(message: Any) -> str | None:
    """Return the decoder for a message; None where it is no packet of a video.

    Raises:
        FrameError: it is one, of an unknown codec.
    """
    named = getattr(message, "format", None)
    if named is not None and not hasattr(message, "timestamp"):  # CompressedImage
        return None if ";" in named else codec_of(named)
    name = getattr(message, "encoding", "") if named is None else named
    if named is None and not hasattr(message, "pts"):  # Image
        return None
    codec = codec_of(str(name))
    if codec is None:
        raise FrameError(
            f"image: expected video in one of {', '.join(_DECODERS)}, found {shown(name)}",
            REPUBLISH,
            f"play it: {REPUBLISH}",
        )
    return codec
