"""Extracts of result files for docs/figures.json: figures and their provenance."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

ORIGIN = ("command", "commit", "machine", "date")
COMMIT = re.compile(r"[0-9a-f]{7,40}")


class FigureError(Exception):
    """Texts, figures or files that do not agree; the message has a line for each fault."""


def entry(content: Mapping[str, Any], places: Sequence[str]) -> dict[str, Any]:
    """Return what is kept of a file of results: its origin, that of the candidates of a
    cross-validation, and the figures at `places`.

    Raises:
        FigureError: the file does not say where it comes from, comes from a source that was changed
            since its commit, or has no number at one of the places.
    """
    kept = origin(content)
    if "candidates" in content:  # of a cross-validation
        sources = {name: origin(each) for name, each in content["candidates"].items()}
        kept["candidates"] = {
            name: {field: each[field] for field in ("command", "commit")}
            for name, each in sources.items()
        }
    values = {}
    for place in places:
        value = at(content, place)
        if place != "commit" and isinstance(value, (int, float)):
            values[place] = round(value, 6)
        elif place != "commit":
            raise FigureError(f"expected the number {place}, found {value!r:.40}")
    return {**kept, "values": values}


def origin(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return command, commit, machine and day of results.

    Raises:
        FigureError: one is missing, or the commit is not that of the source.
    """
    kept = {field: content.get(field) or "" for field in ORIGIN}
    for field, each in kept.items():
        if not each:
            raise FigureError(f"expected its {field}, found none; measure it with this version")
    if not COMMIT.fullmatch(kept["commit"]):
        raise FigureError(
            f"expected the commit of an unchanged source, found {kept['commit']}; measure it there"
        )
    if isinstance(kept["machine"], Mapping):  # of a benchmark
        on = kept["machine"]
        kept["machine"] = f"{on['cores']} cores of {on['cpu']}; {on['system']}"
    return {**kept, "command": without_folders(kept["command"])}


def without_folders(command: str) -> str:
    """Return a command with the names of its files and folders in place of their paths, which
    writes to `out`."""
    parts: list[str] = []
    for part in shlex.split(command):
        if part == "--overwrite":
            continue
        if parts and parts[-1] in ("-o", "--output"):
            part = "out"
        option, equals, path = part.rpartition("=")
        parts.append(f"{option}{equals}{path.rstrip('/').rpartition('/')[2]}")
    return shlex.join(parts)


def at(tree: object, place: str) -> object:
    """Return what is at a dotted place of a tree, whose keys may have dots; None if nothing is."""
    if not place:
        return tree
    if isinstance(tree, Mapping):
        for key, branch in tree.items():
            if f"{place}.".startswith(f"{key}."):
                inner = at(branch, place[len(key) + 1 :])
                if inner is not None:
                    return inner
    return None
