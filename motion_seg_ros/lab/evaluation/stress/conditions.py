"""Conditions that a recording is played under: frame rate, size, image quality, time stamps.

All levels are set by hand: what cameras, links and rooms of mobile robots do on a bad day. Grey
levels are those of 8-bit images, 0 to 255, of each of the three channels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np

from motion_seg_ros.io.base import SourceFrame
from motion_seg_ros.io.clip import resized_frame
from motion_seg_ros.lab.evaluation.annotated import TruthMask
from motion_seg_ros.lab.evaluation.stress.images import (
    as_jpeg,
    in_low_light,
    with_motion_blur,
    with_noise,
)
from motion_seg_ros.types import BoolArray, Frame, UInt8Array, UInt16Array

Rng = np.random.Generator
Draw = Callable[[str], Rng]
"""Returns a source of randomness for a name, the same one each time."""


@dataclass(frozen=True)
class Condition:
    """Change of a recording before a method sees it; this one changes nothing.

    Attributes:
        name: unique among the conditions, fit for a folder.
    """

    name: str

    @property
    def meaning(self) -> str:
        """The condition in words, with its levels."""
        return "the recording as it is"

    @property
    def levels(self) -> dict[str, float]:
        """The numbers that define it, by name."""
        fields = dataclasses.fields(self)
        return {each.name: getattr(self, each.name) for each in fields if each.name != "name"}

    def shown(self, names: Sequence[str], scored: Sequence[str], rng: Rng) -> tuple[str, ...]:
        """Return which frames a method sees, in order, some scored one among them.

        Args:
            names: all frames, in order.
            scored: those that are scored, one at least.
            rng: source of randomness of the sequence.
        """
        return tuple(names)

    def played(self, frames: Iterator[SourceFrame], draw: Draw) -> Iterator[SourceFrame]:
        """Yield the frames that a method sees, changed.

        Args:
            frames: those of `shown`.
            draw: source of randomness of each frame, by its name.
        """
        for each in frames:
            yield dataclasses.replace(each, frame=self.changed(each.frame, draw(each.name)))

    def changed(self, frame: Frame, rng: Rng) -> Frame:
        """Return one frame as a method sees it."""
        return frame

    def truth(self, truth: TruthMask) -> TruthMask:
        """Return the truth of a frame as its masks are scored."""
        return truth


@dataclass(frozen=True)
class EveryNth(Condition):
    """A camera of a lower frame rate.

    Attributes:
        step: one frame in so many is shown, with its own stamp. The first one is such that as many
            scored frames as possible are shown: some data sets have truth for few frames.
    """

    step: int

    @property
    def meaning(self) -> str:
        """The condition in words, with its levels."""
        return f"one frame in {self.step} is shown"

    def shown(self, names: Sequence[str], scored: Sequence[str], rng: Rng) -> tuple[str, ...]:
        """See Condition."""
        wanted = frozenset(scored)
        choices = [tuple(names[first :: self.step]) for first in range(self.step)]
        return max(choices, key=lambda each: len(wanted.intersection(each)))  # the first of equals


@dataclass(frozen=True)
class DroppedFrames(Condition):
    """A link that loses frames.

    Attributes:
        share: probability of each frame to be lost; the first scored one always arrives.
    """

    share: float

    @property
    def meaning(self) -> str:
        """The condition in words, with its levels."""
        return f"{self.share:.0%} of the frames are lost, at random"

    def shown(self, names: Sequence[str], scored: Sequence[str], rng: Rng) -> tuple[str, ...]:
        """See Condition."""
        lost = rng.random(len(names)) < self.share
        return tuple(
            name for name, gone in zip(names, lost, strict=True) if not gone or name == scored[0]
        )


@dataclass(frozen=True)
class JitteredStamps(Condition):
    """Stamps of the time of arrival instead of the time of exposure.

    Attributes:
        share: of the shorter one of the intervals to the frames before and after, by which a stamp
            is off at most, to either side, uniformly; below 0.5, so that stamps keep their order.
            The first frame keeps its stamp.
    """

    share: float

    @property
    def meaning(self) -> str:
        """The condition in words, with its levels."""
        return f"stamps off by up to {self.share:.0%} of the interval between two frames"

    def played(self, frames: Iterator[SourceFrame], draw: Draw) -> Iterator[SourceFrame]:
        """See Condition."""
        before: int | None = None
        each = next(frames, None)
        while each is not None:
            after = next(frames, None)
            stamp_ns = each.frame.stamp_ns
            if before is not None:
                gaps = [stamp_ns - before]
                if after is not None:
                    gaps.append(after.frame.stamp_ns - stamp_ns)
                most_ns = self.share * max(0, min(gaps))
                off_ns = round(draw(each.name).uniform(-most_ns, most_ns))
                frame = dataclasses.replace(each.frame, stamp_ns=stamp_ns + off_ns)
                each = dataclasses.replace(each, frame=frame)
            yield each
            before, each = stamp_ns, after


@dataclass(frozen=True)
class Smaller(Condition):
    """A camera of a lower resolution.

    Images are averaged over areas, depth and truth take the nearest pixel, the calibration is
    scaled; scores are those at the smaller size.

    Attributes:
        scale: of both sides.
    """

    scale: float

    @property
    def meaning(self) -> str:
        """The condition in words, with its levels."""
        return f"both sides of the image times {self.scale:g}, and so is the truth"

    def changed(self, frame: Frame, rng: Rng) -> Frame:
        """See Condition."""
        return resized_frame(frame, self._size(frame.size))

    def truth(self, truth: TruthMask) -> TruthMask:
        """See Condition."""
        height, width = self._size(truth.id_map.shape)

        def nearest(pixels: UInt16Array | BoolArray) -> UInt16Array:
            scaled = cv2.resize(
                pixels.astype(np.uint16), (width, height), interpolation=cv2.INTER_NEAREST
            )
            return np.asarray(scaled, np.uint16)

        things = {name: nearest(pixels) != 0 for name, pixels in truth.things.items()}
        return dataclasses.replace(
            truth,
            id_map=nearest(truth.id_map),
            ignored=None if truth.ignored is None else nearest(truth.ignored) != 0,
            things={name: pixels for name, pixels in things.items() if pixels.any()},
        )

    def _size(self, size: Sequence[int]) -> tuple[int, int]:
        height, width = (max(1, round(each * self.scale)) for each in size)
        return height, width


@dataclass(frozen=True)
class ImageCondition(Condition):
    """A condition that changes images alone."""

    def changed(self, frame: Frame, rng: Rng) -> Frame:
        """See Condition."""
        return dataclasses.replace(frame, image_bgr=self.image(frame.image_bgr, rng))

    def image(self, image: UInt8Array, rng: Rng) -> UInt8Array:
        """Return an image (H, W, 3) uint8 as a method sees it."""
        return image


@dataclass(frozen=True)
class MotionBlur(ImageCondition):
    """A camera that shakes during a long exposure.

    Attributes:
        length: of the way of each pixel along a straight line, as a share of the image's longer
            side; its direction is drawn for each frame.
    """

    length: float

    @property
    def meaning(self) -> str:
        """The condition in words, with its levels."""
        return f"blurred along a line of {self.length:.1%} of the longer side, any direction"

    def image(self, image: UInt8Array, rng: Rng) -> UInt8Array:
        """See ImageCondition."""
        length_px = self.length * max(image.shape[:2])
        return with_motion_blur(image, length_px, rng.uniform(0, np.pi))


@dataclass(frozen=True)
class Noise(ImageCondition):
    """Gaussian noise, independent in each pixel and channel.

    Attributes:
        sd_levels: standard deviation in grey levels.
    """

    sd_levels: float

    @property
    def meaning(self) -> str:
        """The condition in words, with its levels."""
        return f"Gaussian noise of {self.sd_levels:g} grey levels of 255"

    def image(self, image: UInt8Array, rng: Rng) -> UInt8Array:
        """See ImageCondition."""
        return with_noise(image, self.sd_levels, rng)


@dataclass(frozen=True)
class LowLight(ImageCondition):
    """Little light, partly made up for by gain; grey levels are taken as proportional to light.

    Attributes:
        electrons_at_white: photoelectrons that make level 255 in the little light; they are
            counted with shot noise (Poisson).
        brightness: of the image after gain, as a share of the recording's.
    """

    electrons_at_white: float
    brightness: float

    @property
    def meaning(self) -> str:
        """The condition in words, with its levels."""
        return (
            f"{self.brightness:g} times as bright, with the shot noise of "
            f"{self.electrons_at_white:g} electrons at white"
        )

    def image(self, image: UInt8Array, rng: Rng) -> UInt8Array:
        """See ImageCondition."""
        return in_low_light(image, self.electrons_at_white, self.brightness, rng)


@dataclass(frozen=True)
class Jpeg(ImageCondition):
    """Strong compression.

    Attributes:
        quality: of libjpeg, 0 to 100.
    """

    quality: int

    @property
    def meaning(self) -> str:
        """The condition in words, with its levels."""
        return f"each frame as JPEG of quality {self.quality}"

    def image(self, image: UInt8Array, rng: Rng) -> UInt8Array:
        """See ImageCondition."""
        return as_jpeg(image, self.quality)


CLEAN = Condition("clean")
CONDITIONS: Mapping[str, Condition] = MappingProxyType(
    {
        each.name: each
        for each in (
            EveryNth("every_2nd", 2),
            EveryNth("every_3rd", 3),
            Smaller("half_size", 0.5),
            MotionBlur("motion_blur", 0.01),
            Noise("noise", 10.0),
            LowLight("low_light", 100.0, 0.5),
            Jpeg("jpeg", 30),
            DroppedFrames("dropped_frames", 0.2),
            JitteredStamps("jittered_stamps", 0.3),
        )
    }
)
"""Those of `evaluate --stress`, by name."""
