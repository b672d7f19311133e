"""Pixels in other types than 8-bit colours, over real topics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

from node_bench import SECOND, Bench, image_message, ping, pixels_of, running
from std_srvs.srv import Trigger

T0 = 1_700_000_000 * SECOND
STEP_NS = SECOND // 15
GREY = np.random.default_rng(0).integers(0, 256, (48, 64)).astype(np.uint8)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with running(tmp_path_factory.mktemp("node") / "log") as (node, bench):
        bench.connect(node, ping)
        yield bench


@pytest.fixture
def bench(shared: Bench) -> Bench:
    """The bench, every test with a new stream."""
    shared.call(Trigger, "motion_seg/reset", Trigger.Request())
    shared.clear()
    return shared


@pytest.mark.parametrize("encoding", ["mono16", "16UC1"])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_values_that_fill_part_of_16_bits(bench: Bench, encoding: str, bits: int) -> None:
    topics = ("moving_mask", "static_image")
    for index in range(3):
        dimmed = GREY // (index + 1)  # the picture follows the scene, the range does not
        stored = np.rint(dimmed * ((2**bits - 1) / 255)).astype("<u2")
        stamp = T0 + index * STEP_NS
        bench.ask(image_message(stored, stamp, encoding), topics)
        picture = bench.answer("static_image", stamp)
        assert picture.encoding == "bgr8"
        np.testing.assert_array_equal(pixels_of(picture), np.dstack([dimmed] * 3))


def test_semi_planar_yuv(bench: Bench) -> None:
    # ITU-R BT.601, studio range: Y 81, U 90, V 240 is pure red.
    planes = np.full((72, 64), 81, np.uint8)
    planes[48:, 0::2], planes[48:, 1::2] = 90, 240
    message = image_message(planes, T0, "nv12")
    message.height = 48
    bench.ask(message, ("moving_mask", "static_image"))
    moving = pixels_of(bench.answer("moving_mask", T0))
    assert moving.shape == (48, 64)
    picture = pixels_of(bench.answer("static_image", T0)).astype(int)
    assert np.abs(picture - [0, 0, 255]).max() <= 2
