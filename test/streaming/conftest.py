"""Streaming segmenters that are closed after each test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from drawn_scene import DrawnScene, Thing
from streaming_rig import Rig


@pytest.fixture
def make() -> Iterator[Callable[..., Rig]]:
    rigs: list[Rig] = []

    def made(*things: Thing, scene: DrawnScene | None = None, **settings: object) -> Rig:
        rigs.append(Rig(scene or list(things), **settings))  # type: ignore[arg-type]
        return rigs[-1]

    yield made
    for rig in rigs:
        rig.truth.gate.set()
        rig.segmenter.close()
    assert "discovery" not in {each.name for each in threading.enumerate()}
