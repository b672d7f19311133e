"""Values that several threads ask for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from motion_seg_ros.flow.once import OnceEach


def test_a_value_is_computed_once_and_others_wait_for_it() -> None:
    values: OnceEach[str, object] = OnceEach()
    begun, go_on = threading.Event(), threading.Event()
    computed: list[object] = []

    def slow() -> object:
        begun.set()
        assert go_on.wait(60)
        computed.append(object())
        return computed[-1]

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(values.get, "a", slow)
        assert begun.wait(60)
        others = [pool.submit(values.get, "a", slow) for _ in range(2)]
        assert values.get("b", lambda: 7) == 7, "another value does not wait"
        assert not any(each.done() for each in (first, *others))
        go_on.set()
        found = [each.result(60) for each in (first, *others)]
    assert found == computed * 3
    assert len(computed) == 1


def test_an_error_reaches_all_who_ask() -> None:
    values: OnceEach[int, int] = OnceEach()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            values.get(0, lambda: 1 // 0)


def test_what_is_not_kept_is_computed_anew() -> None:
    values: OnceEach[int, str] = OnceEach()
    for key in range(4):
        values.get(key, lambda: "old")
    values.keep(lambda key: key >= 2)
    assert values.known == [2, 3]
    assert [values.get(key, lambda: "new") for key in range(4)] == ["new", "new", "old", "old"]
