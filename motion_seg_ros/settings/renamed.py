"""Settings of earlier versions: their new names, and those that are gone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from motion_seg_ros.settings.declaration import hint

RENAMED: Mapping[str, str] = MappingProxyType({})
"""Old name -> new name, or the new names in words where it depends on the back end."""

REMOVED: Mapping[str, str] = MappingProxyType(
    {"compile": "it was removed, as networks are no longer compiled: leave it out"}
)
"""Old name -> why it is gone and what to do."""


def suggest(name: str, known: Collection[str]) -> str:
    """Return what to write instead of `name`, which is not among the `known` settings."""
    if name in RENAMED:
        return f"it is now {RENAMED[name]}"
    return REMOVED.get(name) or hint(name, known)
