"""Parameters that strangers set: taken within their range, or refused in one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hostile import FLOATS, TEXTS, share
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="needs ROS 2: make setup, or a full installation")

import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter

from motion_seg_ros.errors import MAX_LENGTH
from motion_seg_ros.ros.parameters import (
    all_settings,
    current_values,
    declare_parameters,
    read_parameters,
    validate_change,
)

integers = st.integers(-(2**63), 2**63 - 1)
floats = FLOATS | st.floats()
texts = TEXTS | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = st.booleans() | integers | floats | texts
values = scalars | st.binary(max_size=8).map(lambda data: [bytes([each]) for each in data])
values |= st.one_of(st.lists(each, min_size=1, max_size=3) for each in (integers, floats, texts))


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = Node("motion_seg", context=context)
    declare_parameters(node)
    node.add_on_set_parameters_callback(lambda parameters: validate_change(node, parameters))
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


@share(0.05)
@given(st.dictionaries(st.sampled_from(sorted(all_settings())), values, min_size=1, max_size=2))
def test_change(node: Node, changes: dict[str, Any]) -> None:
    before = current_values(node)
    result = node.set_parameters_atomically(
        [Parameter(name, value=value) for name, value in changes.items()]
    )
    after = current_values(node)
    if result.successful:
        read_parameters(after)
    else:
        assert after == before
        assert 10 < len(result.reason) <= MAX_LENGTH + 5
