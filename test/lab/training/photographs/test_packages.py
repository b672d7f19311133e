"""Debian packages: what their files say of authors and licences, and what goes wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from motion_seg_ros.errors import InputError, MissingDependencyError
from motion_seg_ros.lab.training.photographs.packages import UNKNOWN, credit_of, unpack

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: wallpapers

Files: *
Copyright: 2010, The Project
License: GPL-2+

Files: nature/Aqua.jpg
       nature/Garden.jpg
Copyright: 2008, Ada Author <ada@example.org>
           2009, Ben Author
License: CC-BY-SA-4.0

Files: debian/*
Copyright: 2020, A. Packager
License: GPL-3+

License: CC-BY-SA-4.0
 Creative Commons ...
"""


def test_the_paragraph_that_names_a_file_says_whose_it_is() -> None:
    found = credit_of(COPYRIGHT, "usr/share/backgrounds/mate/nature/Garden.jpg")
    assert found.authors == ("2008, Ada Author <ada@example.org>", "2009, Ben Author")
    assert found.licence == "CC-BY-SA-4.0"


def test_a_file_that_was_moved_is_known_by_its_name() -> None:
    assert credit_of(COPYRIGHT, "usr/share/backgrounds/Aqua.jpg").licence == "CC-BY-SA-4.0"


def test_all_others_are_the_projects() -> None:
    found = credit_of(COPYRIGHT, "usr/share/backgrounds/Dune.jpg")
    assert (found.authors, found.licence) == (("2010, The Project",), "GPL-2+")


def test_a_file_in_another_format_says_nothing_of_single_files() -> None:
    found = credit_of("This package was debianized by somebody.\n\nCopyright: many", "a.jpg")
    assert (found.authors, found.licence) == ((UNKNOWN,), UNKNOWN)


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_without_apt_it_says_where_to_run_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependencyError, match=r"apt-get: expected .* Debian or Ubuntu"):
        unpack("wallpapers", tmp_path)


def test_without_a_network_it_says_what_apt_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(
        tmp_path,
        "apt-get",
        "echo 'E: Could not resolve it' >&2; echo W: x >&2; exit 9",
    )
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(InputError) as raised:
        unpack("wallpapers", tmp_path)
    said = str(raised.value)
    assert said.startswith("wallpapers: expected apt-get to get it, found: E: Could not resolve")
    assert "check the network" in said
    assert "W: x" not in said


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb to make a package")
def test_a_package_is_unpacked_without_being_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    text = tree / "usr/share/doc/wallpapers/copyright"
    text.parent.mkdir(parents=True)
    text.write_text(COPYRIGHT)
    (tree / "usr/share/Aqua.jpg").write_bytes(b"a picture")
    control = tree / "DEBIAN/control"
    control.parent.mkdir()
    control.write_text(
        "Package: wallpapers\nVersion: 1.2-3\nArchitecture: all\nMaintainer: x <x@y.z>\n"
        "Description: pictures\n"
    )
    made = tmp_path / "made.deb"
    subprocess.run(["dpkg-deb", "--build", str(tree), str(made)], check=True, capture_output=True)
    bins, folder = tmp_path / "bin", tmp_path / "unpacked"
    bins.mkdir()
    folder.mkdir()
    program(bins, "apt-get", f'test "$1 $2" = "download wallpapers" && cp {made} w_1.2-3_all.deb')
    monkeypatch.setenv("PATH", f"{bins}{os.pathsep}{os.environ['PATH']}")
    package = unpack("wallpapers", folder)
    assert package.version == "1.2-3"
    assert [each.name for each in package.pictures()] == ["Aqua.jpg"]
    assert package.credit(package.pictures()[0]).licence == "CC-BY-SA-4.0"
    assert list(folder.iterdir()) == [package.root]
