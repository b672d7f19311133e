"""Records of fetched files: the digests that they had when they came, by which they are verified.

One small JSON file lies beside the files of each network in the cache folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

RECORD = "fetched.json"
CHUNK_BYTES = 1 << 20  # read at a time


@dataclass(frozen=True)
class FileRecord:
    """Facts about a fetched file.

    Attributes:
        sha256: digest in hexadecimal.
        stated: True if the publisher states that digest.
        revision: commit of the file's repository on the Hugging Face Hub; None: a plain address.
    """

    sha256: str
    stated: bool
    revision: str | None = None


def read_records(folder: Path) -> dict[str, FileRecord]:
    """Return the records of a folder by file name; empty where they cannot be read."""
    try:
        content = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return {
            name: FileRecord(str(each["sha256"]), bool(each["stated"]), each.get("revision"))
            for name, each in content.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def write_records(folder: Path, records: Mapping[str, FileRecord]) -> None:
    """Replace the records of a folder."""
    text = json.dumps({name: asdict(each) for name, each in records.items()}, indent=2)
    partial = folder / f".{RECORD}.partial"
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(folder / RECORD)


def sha256_of(path: Path) -> str:
    """Return a file's digest in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
