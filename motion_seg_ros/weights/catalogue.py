"""Published weights that this package can use: addresses, revisions, licences.

Taken from the publishers' own pages in November 2026. A repository on the Hugging Face Hub is
pinned to a commit, which fixes its content, and the hub states the digest of every file. Google
states none for BootsTAPIR. The commits, and the digests of BootsTAPIR, are those that public
projects pin (mteb for DINOv2, several on GitHub for the others); this project has fetched none of
these files itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

HUB = "https://huggingface.co"


@dataclass(frozen=True)
class Licence:
    """Terms of use of weights.

    Attributes:
        name: SPDX identifier.
        allows: in a few words.
    """

    name: str
    allows: str


@dataclass(frozen=True)
class HubRepository:
    """A model repository on the Hugging Face Hub.

    Attributes:
        name: owner and name.
        revision: commit; None: not known yet, the newest one is recorded at the first fetch.
    """

    name: str
    revision: str | None = None


@dataclass(frozen=True)
class PublishedFile:
    """A file to download.

    Attributes:
        name: file name on this machine.
        url: address; for people only where the file is in a HubRepository.
        sha256: digest in hexadecimal; None: unknown before the first fetch.
    """

    name: str
    url: str
    sha256: str | None = None


@dataclass(frozen=True)
class PublishedWeights:
    """Weights of one network.

    Attributes:
        purpose: the stage and the network, in a few words.
        publisher: person or company.
        page: address of the page that describes them.
        files: a single file, or the files of a folder that transformers loads.
        megabytes: approximate size in millions of bytes; None: unknown before the download.
        licence: terms of use.
        model_type: expected `model_type` in config.json; None: there is no such file.
        repository: None: plain addresses.
    """

    purpose: str
    publisher: str
    page: str
    files: tuple[PublishedFile, ...]
    megabytes: float | None
    licence: Licence
    model_type: str | None = None
    repository: HubRepository | None = None

    def place(self, folder: Path) -> Path:
        """Return the path that a back end loads: `folder` itself, or the single file in it."""
        return folder / self.files[0].name if len(self.files) == 1 else folder


APACHE = Licence("Apache-2.0", "commercial use too")
NON_COMMERCIAL = Licence("CC-BY-NC-4.0", "no commercial use")
AUTHORS = Licence(
    "MIT", "commercial use too, by the authors' repository; none is stated for the weights"
)


def _hub_files(repository: HubRepository, *names: str) -> tuple[PublishedFile, ...]:
    root = f"{HUB}/{repository.name}/resolve/{repository.revision or 'main'}"
    return tuple(PublishedFile(name, f"{root}/{name}") for name in names)


def _transformers(
    name: str,
    revision: str,
    purpose: str,
    publisher: str,
    megabytes: float,
    model_type: str,
    licence: Licence = APACHE,
) -> PublishedWeights:
    repository = HubRepository(name, revision)
    files = _hub_files(repository, "config.json", "model.safetensors")
    page = f"{HUB}/{name}"
    return PublishedWeights(
        purpose, publisher, page, files, megabytes, licence, model_type, repository
    )


def _tapir(file: str, purpose: str, sha256: str) -> PublishedWeights:
    url = f"https://storage.googleapis.com/dm-tapnet/bootstap/{file}"
    files = (PublishedFile(file, url, sha256),)
    page = "https://github.com/google-deepmind/tapnet"
    return PublishedWeights(f"tracking: {purpose}", "Google DeepMind", page, files, 219, APACHE)


def _depth_anything(
    size: str, revision: str, megabytes: float, licence: Licence
) -> PublishedWeights:
    return _transformers(
        f"depth-anything/Depth-Anything-V2-{size}-hf",
        revision,
        f"depth: Depth Anything V2 {size}",
        "Depth Anything (HKU, TikTok)",
        megabytes,
        "depth_anything",
        licence,
    )


def _dinov2(size: str, revision: str, megabytes: float) -> PublishedWeights:
    purpose = f"features: DINOv2 {size}"
    return _transformers(
        f"facebook/dinov2-{size}", revision, purpose, "Meta AI", megabytes, "dinov2"
    )


def _sam2(size: str, revision: str, megabytes: float) -> PublishedWeights:
    name = f"facebook/sam2.1-hiera-{size.replace('_', '-')}"
    return _transformers(
        name, revision, f"masks: SAM 2.1 {size}", "Meta AI", megabytes, "sam2_video"
    )


_AUTHORS_REPOSITORY = HubRepository("Changearthmore/moseg")

PUBLISHED: Mapping[str, PublishedWeights] = MappingProxyType(
    {
        "bootstapir": _tapir(
            "bootstapir_checkpoint_v2.pt",
            "BootsTAPIR",
            "8493c7a69e02c85b9382fbb3c7b8b539b36bc08ede744b9e99feb739a0129f4b",
        ),
        "causal_bootstapir": _tapir(
            "causal_bootstapir_checkpoint.pt",
            "BootsTAPIR, online",
            "87c1e752cf5ce56e3e2f7da460aeb4d40fc826d04ef2939bade86a5c7495377f",
        ),
        "depth_anything_v2_small": _depth_anything(
            "Small", "5426e4f0f36572d16453bbda7a8389317b1bef99", 99.2, APACHE
        ),
        "depth_anything_v2_base": _depth_anything(
            "Base", "b1958afc87fb45a9e3746cb387596094de553ed8", 390, NON_COMMERCIAL
        ),
        "depth_anything_v2_large": _depth_anything(
            "Large", "7581137eff8d4e94f6e796d3baea0e9fa79b22d2", 1340, NON_COMMERCIAL
        ),
        "dinov2_small": _dinov2("small", "ed25f3a31f01632728cabb09d1542f84ab7b0056", 88.2),
        "dinov2_base": _dinov2("base", "f9e44c814b77203eaa57a6bdbbd535f21ede1415", 346),
        "sam2.1_hiera_tiny": _sam2("tiny", "de431c4043854a71d8101e17995dfe596bf101a5", 156),
        "sam2.1_hiera_small": _sam2("small", "ee5bba1d82bb8749febdf90f45e84b687142ba03", 184),
        "sam2.1_hiera_base_plus": _sam2(
            "base_plus", "b7320756a13354e7530a63935656d35b2f91a290", 323
        ),
        "sam2.1_hiera_large": _sam2("large", "665f8e2ad61cf5f53d65644ff27c8ee525124610", 898),
        "edgetam": _transformers(
            "yonigozlan/EdgeTAM-hf",
            "c266ce53b3fc00f0f495b583f6a116c4e57f53bb",
            "masks: EdgeTAM",
            "Meta AI, converted by Yoni Gozlan (Hugging Face)",
            56,  # 13.9 million float32 numbers
            "edgetam_video",
        ),
        "segment_any_motion_tracks": PublishedWeights(
            "labelling: the paper's track network",
            "authors of Segment Any Motion in Videos",
            "https://github.com/nnanhuang/SegAnyMo",
            _hub_files(_AUTHORS_REPOSITORY, "moseg.pth"),
            None,
            AUTHORS,
            repository=_AUTHORS_REPOSITORY,
        ),
    }
)
"""By the name that `motion_seg weights fetch` takes."""
