"""The documentation: its index, its links, and the picture that is drawn from the source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checkout import ROOT
from rooms import PICTURE, picture

LINK = re.compile(r"\]\(([^)#\s]+)(?:#([^)\s]+))?\)|\]\(#([^)\s]+)\)")
PAGES = sorted((ROOT / "docs").glob("*.md"))
TEXTS = [ROOT / "README.md", *PAGES, *sorted((ROOT / "motion_seg_ros").rglob("*.md"))]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_the_picture_of_the_rooms_is_that_of_the_source() -> None:
    current = picture()
    assert PICTURE.read_text(encoding="utf-8") == current, "draw it again: python docs/rooms.py"


def test_the_index_names_every_page_once() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| \[(.+?)\]\((.+?)\) \|", index, re.MULTILINE)
    assert sorted(target for _, target in named) == [
        page.name for page in PAGES if page.name != "README.md"
    ]
    assert all(title == target for title, target in named)


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor, own in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        place = page.parent / target if target else page
        assert place.exists(), f"{page}: {target}"
        if place.suffix == ".md" and (anchor or own):
            assert (anchor or own) in anchors(place), f"{page}: {target}#{anchor or own}"


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 160
