"""Waiting for a node to become active, by a clock that the test sets."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("rclpy")

from motion_seg_ros.errors import InputError
from motion_seg_ros.ros.tools.partners import ASK_AGAIN_S, START_S, NodeState


class ScriptedNode:
    """Answers each request for its state with the next one, at last with the last; None: not at
    all."""

    def __init__(self, *states: str | None) -> None:
        self.states = list(states)
        self.requests = 0

    def create_client(self, kind: Any, service: str) -> ScriptedNode:
        return self

    def service_is_ready(self) -> bool:
        return True

    def call_async(self, request: Any) -> Any:
        self.requests += 1
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        response = SimpleNamespace(current_state=SimpleNamespace(label=state))
        return SimpleNamespace(done=lambda: state is not None, result=lambda: response)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def checked(state: NodeState, now: list[float], times: int, step_s: float = 1.0) -> None:
    for _ in range(times):
        state.check()
        now[0] += step_s


def test_it_waits_while_the_node_starts_however_long(now: list[float]) -> None:
    node = ScriptedNode("unconfigured", *["configuring"] * 50, "inactive", "activating", "active")
    state = NodeState(node, "get_state")
    checked(state, now, 54)
    assert not state.active
    checked(state, now, 1)
    assert state.active


@pytest.mark.parametrize("at_rest", ["unconfigured", "inactive"])
def test_a_node_that_does_not_start_is_an_error(now: list[float], at_rest: str) -> None:
    state = NodeState(ScriptedNode("configuring", *[at_rest] * 20), "get_state")
    checked(state, now, 2 + int(START_S))
    with pytest.raises(InputError, match=f"expected an active node, found it {at_rest}"):
        checked(state, now, 2)


def test_a_request_that_got_lost_is_repeated(now: list[float]) -> None:
    node = ScriptedNode(None, "active")
    state = NodeState(node, "get_state")
    checked(state, now, 3)
    assert node.requests == 1
    now[0] += ASK_AGAIN_S
    checked(state, now, 2)
    assert state.active
