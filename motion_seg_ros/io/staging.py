"""Atomic output: files and folders appear complete or not at all."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from motion_seg_ros.errors import MotionSegError, OutputError


def check_free(path: Path, *, overwrite: bool) -> None:
    """Refuse an output that exists already.

    Raises:
        OutputError: `path` exists and may not be overwritten.
    """
    if not overwrite and os.path.lexists(path):
        raise OutputError(f"{path}: already exists; choose another output, or pass --overwrite")


def check_apart(source: Path, place: Path) -> None:
    """Refuse an output that would replace its own input, or lie in it.

    Raises:
        OutputError: one of `source` and `place` is the other, or inside it.
    """
    if source.resolve().is_relative_to(place.resolve()):
        raise OutputError(
            f"{source}: expected an output apart from the input, found that {place} would take its "
            "place; choose another output"
        )
    check_outside(source, place)


def check_outside(source: Path, place: Path) -> None:
    """Refuse an output within its own input.

    Raises:
        OutputError: `place` is `source`, or inside it.
    """
    if place.resolve().is_relative_to(source.resolve()):
        raise OutputError(
            f"{place}: expected an output apart from the input, found that it lies in {source}, "
            "where a later run would find it; choose another output"
        )


@contextmanager
def output_folder(path: Path) -> Iterator[Path]:
    """Create a folder if it does not exist; if the block fails, new folders that are empty are
    removed again.

    Raises:
        OutputError: it cannot be created, or is not a folder.
    """
    new = [each for each in (path, *path.parents) if not each.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(
            f"{path}: expected a folder to write to, found a file; choose another output"
        ) from error
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        yield path
    except BaseException:
        for each in new:
            if each.is_dir() and not any(each.iterdir()):
                each.rmdir()
        raise


@contextmanager
def staged_folder(path: Path, *, overwrite: bool, marker: str) -> Iterator[Path]:
    """Yield a hidden folder beside `path`, which is renamed to `path` when the block succeeds, and
    removed when it fails.

    The hidden folders of killed runs are removed first. A run that only seemed lost then fails, and
    cannot mix its files with these.

    Args:
        path: the folder to create.
        overwrite: replace an earlier one.
        marker: file in every such folder; a folder that lacks it is never replaced.

    Raises:
        OutputError: `path` exists already, or cannot be written.
    """
    check_free(path, overwrite=overwrite)
    if os.path.lexists(path) and not (path / marker).is_file():
        raise OutputError(
            f"{path}: expected an earlier output to overwrite, found something else "
            f"(no {marker} in it); choose another output"
        )
    partial = path.with_name(f".{path.name}.partial-{uuid.uuid4().hex}")
    try:
        try:
            for left in _left_behind(path):
                shutil.rmtree(left, ignore_errors=True)
            partial.mkdir()
            yield partial
            _move(partial, path)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        raise _cannot_write(path, error) from error


def _left_behind(path: Path) -> list[Path]:
    """Return the hidden folders or files of earlier runs that were to become `path`."""
    name = re.compile(re.escape(f".{path.name}.partial-") + "[0-9a-f]{32}")
    return [each for each in path.parent.iterdir() if name.fullmatch(each.name)]


def _move(partial: Path, path: Path) -> None:
    """Rename `partial` to `path`, replacing an older folder or a link to one."""
    replaced = path.with_name(f".{path.name}.replaced")
    _remove(replaced)  # a killed run may have left it
    if not os.path.lexists(path):
        partial.rename(path)
        return
    path.rename(replaced)
    try:
        partial.rename(path)
    except BaseException:
        replaced.rename(path)
        raise
    _remove(replaced)


def _remove(path: Path) -> None:
    """Remove a folder or a link, if there is one."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


@contextmanager
def staged_file(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield the name of a hidden file beside `path`, which is renamed to `path` when the block
    succeeds, and removed when it fails.

    Raises:
        OutputError: `path` exists already, is a folder, or cannot be written.
    """
    check_free(path, overwrite=overwrite)
    if path.is_dir():
        raise OutputError(
            f"{path}: expected a file to write, found a folder; choose another output"
        )
    partial = path.with_name(f".{path.name}.partial-{uuid.uuid4().hex}")
    try:
        try:
            for left in _left_behind(path):
                left.unlink(missing_ok=True)
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from error


def write_file(path: Path, content: str | bytes, *, overwrite: bool) -> None:
    """Write a file atomically, text as UTF-8.

    Raises:
        OutputError: it exists already, or cannot be written.
    """
    with staged_file(path, overwrite=overwrite) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def _cannot_write(path: Path, error: OSError) -> MotionSegError:
    reason = error.strerror or str(error)
    return OutputError(
        f"{path}: cannot write the output: {reason}; check permissions and free space, or choose "
        "another output"
    )
