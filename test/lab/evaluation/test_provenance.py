"""Which commit results name: that of the package's source, in checkouts made for the test."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from motion_seg_ros.lab.evaluation import provenance


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in a folder that is not a checkout yet."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set where a hook runs the tests
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "checkout" / "package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("one = 1\n")
    (folder.parent / "README.md").write_text("Read me.\n")
    monkeypatch.setattr(provenance, "PACKAGE", folder)
    return folder


def test_the_commit_and_whether_the_package_was_changed_since(package: Path) -> None:
    assert provenance.commit() == "unknown"
    git(package.parent, "init", "-q")
    git(package.parent, "add", "README.md")
    git(package.parent, "commit", "-q", "-m", "without the package")
    assert provenance.commit() == "unknown"  # a checkout, but of something else
    git(package.parent, "add", "package")
    git(package.parent, "commit", "-q", "-m", "with it")
    revision = git(package.parent, "rev-parse", "HEAD")
    assert provenance.commit() == revision
    (package.parent / "README.md").write_text("Other words.\n")
    assert provenance.commit() == revision  # no result depends on them
    (package / "__init__.py").write_text("one = 2\n")
    assert provenance.commit() == f"{revision}-dirty"


def test_where_git_is_not_installed(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(package))
    assert provenance.commit() == "unknown"
