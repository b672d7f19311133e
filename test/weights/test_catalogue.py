"""The table of published weights."""

from __future__ import annotations

import re

from motion_seg_ros.weights.cache import SHIPPED
from motion_seg_ros.weights.catalogue import HUB, PUBLISHED


def test_the_table_is_in_order() -> None:
    assert not PUBLISHED.keys() & SHIPPED.keys()
    for name, each in PUBLISHED.items():
        assert re.fullmatch(r"[a-z0-9_.]+", name)
        assert each.page.startswith("https://")
        for file in each.files:
            assert file.url.startswith("https://")
            assert file.url.endswith("/" + file.name)
            assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert (each.model_type is not None) == (each.files[0].name == "config.json")
        assert each.purpose.split(":")[0] in ("tracking", "depth", "features", "masks", "labelling")
    non_commercial = {n for n, each in PUBLISHED.items() if "no comm" in each.licence.allows}
    assert non_commercial == {"depth_anything_v2_base", "depth_anything_v2_large"}


def test_repositories_of_the_hub_are_pinned_to_a_commit() -> None:
    unpinned = set()
    for name, each in PUBLISHED.items():
        assert (each.repository is not None) == each.files[0].url.startswith(HUB)
        if each.repository is not None and each.repository.revision is None:
            unpinned.add(name)
        elif each.repository is not None:
            assert re.fullmatch(r"[0-9a-f]{40}", each.repository.revision)
    assert unpinned == {"segment_any_motion_tracks"}
