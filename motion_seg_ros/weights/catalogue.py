"""Weights that others publish and this package can use: where they are, and what one may do.

Facts are those of the publishers' own pages, read in November 2026. Where a publisher states no
digest there is none here: Hugging Face states one with every download, which is then checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

HUGGING_FACE = "https://huggingface.co"


@dataclass(frozen=True)
class Licence:
    """What one may do with weights.

    Attributes:
        name: SPDX identifier.
        allows: in a few words.
    """

    name: str
    allows: str


@dataclass(frozen=True)
class PublishedFile:
    """A file to download.

    Attributes:
        name: of the file on this machine.
        url: its address.
        sha256: digest in hexadecimal as its publisher states it; None: not stated there.
    """

    name: str
    url: str
    sha256: str | None = None


@dataclass(frozen=True)
class PublishedWeights:
    """Weights of one network.

    Attributes:
        purpose: what they are for, in a few words.
        publisher: who published them.
        page: address of the page that describes them.
        files: one, or those of a folder that transformers loads.
        megabytes: about how large, in millions of bytes; None: not known before the download.
        licence: what it allows.
        model_type: that config.json states; None: there is no such file.
    """

    purpose: str
    publisher: str
    page: str
    files: tuple[PublishedFile, ...]
    megabytes: float | None
    licence: Licence
    model_type: str | None = None

    def place(self, folder: Path) -> Path:
        """What a backend is to be given: `folder` itself, or the single file in it."""
        return folder / self.files[0].name if len(self.files) == 1 else folder


APACHE = Licence("Apache-2.0", "commercial use too")
NON_COMMERCIAL = Licence("CC-BY-NC-4.0", "no commercial use")
AUTHORS = Licence(
    "MIT", "commercial use too, says the authors' repository; the weights say nothing"
)


def _hugging_face(
    repository: str,
    purpose: str,
    publisher: str,
    megabytes: float,
    model_type: str,
    licence: Licence = APACHE,
) -> PublishedWeights:
    page = f"{HUGGING_FACE}/{repository}"
    files = tuple(
        PublishedFile(name, f"{page}/resolve/main/{name}")
        for name in ("config.json", "model.safetensors")
    )
    return PublishedWeights(purpose, publisher, page, files, megabytes, licence, model_type)


def _single_file(
    url: str,
    purpose: str,
    publisher: str,
    page: str,
    megabytes: float | None,
    licence: Licence = APACHE,
) -> PublishedWeights:
    file = PublishedFile(url.rpartition("/")[2], url)
    return PublishedWeights(purpose, publisher, page, (file,), megabytes, licence)


def _tapir(file: str, purpose: str) -> PublishedWeights:
    # The size is that of 54.7 million float32 numbers: none is stated.
    url = f"https://storage.googleapis.com/dm-tapnet/bootstap/{file}"
    page = "https://github.com/google-deepmind/tapnet"
    return _single_file(url, f"tracking: {purpose}", "Google DeepMind", page, 219)


def _depth_anything(size: str, megabytes: float, licence: Licence) -> PublishedWeights:
    return _hugging_face(
        f"depth-anything/Depth-Anything-V2-{size}-hf",
        f"depth: Depth Anything V2 {size}",
        "Depth Anything (HKU, TikTok)",
        megabytes,
        "depth_anything",
        licence,
    )


def _dinov2(size: str, megabytes: float) -> PublishedWeights:
    purpose = f"features: DINOv2 {size}"
    return _hugging_face(f"facebook/dinov2-{size}", purpose, "Meta AI", megabytes, "dinov2")


def _sam2(size: str, megabytes: float) -> PublishedWeights:
    repository = f"facebook/sam2.1-hiera-{size.replace('_', '-')}"
    return _hugging_face(repository, f"masks: SAM 2.1 {size}", "Meta AI", megabytes, "sam2_video")


PUBLISHED: Mapping[str, PublishedWeights] = MappingProxyType(
    {
        "bootstapir": _tapir("bootstapir_checkpoint_v2.pt", "BootsTAPIR"),
        "causal_bootstapir": _tapir("causal_bootstapir_checkpoint.pt", "BootsTAPIR, online"),
        "depth_anything_v2_small": _depth_anything("Small", 99.2, APACHE),
        "depth_anything_v2_base": _depth_anything("Base", 390, NON_COMMERCIAL),
        "depth_anything_v2_large": _depth_anything("Large", 1340, NON_COMMERCIAL),
        "dinov2_small": _dinov2("small", 88.2),
        "dinov2_base": _dinov2("base", 346),
        "sam2.1_hiera_tiny": _sam2("tiny", 156),
        "sam2.1_hiera_small": _sam2("small", 184),
        "sam2.1_hiera_base_plus": _sam2("base_plus", 323),
        "sam2.1_hiera_large": _sam2("large", 898),
        "edgetam": _hugging_face(
            "yonigozlan/EdgeTAM-hf",
            "masks: EdgeTAM",
            "Meta AI, converted by Yoni Gozlan (Hugging Face)",
            56,  # 13.9 million float32 numbers
            "edgetam_video",
        ),
        "segment_any_motion_tracks": _single_file(
            f"{HUGGING_FACE}/Changearthmore/moseg/resolve/main/moseg.pth",
            "labelling: the paper's track network",
            "authors of Segment Any Motion in Videos",
            "https://github.com/nnanhuang/SegAnyMo",
            None,
            AUTHORS,
        ),
    }
)
"""By the name that `motion_seg weights fetch` takes."""
