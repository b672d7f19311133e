"""Networks in common: loaded once for all that use them, and forgotten with the last one."""

from __future__ import annotations

import gc
import threading
import time

import pytest

from motion_seg_ros.networks.sharing import shared_while_used


class Network:
    pass


def test_the_same_arguments_give_the_same_network_while_somebody_holds_it() -> None:
    loads: list[tuple[str, int]] = []

    @shared_while_used
    def load(name: str, *, side: int) -> Network:
        loads.append((name, side))
        return Network()

    first, second, other = load("a", side=1), load("a", side=1), load("a", side=2)
    assert first is second
    assert first is not other
    del first, second
    gc.collect()
    assert load("a", side=2) is other
    assert isinstance(load("a", side=1), Network)
    assert loads == [("a", 1), ("a", 2), ("a", 1)]


def test_threads_that_ask_together_load_once() -> None:
    loads: list[int] = []
    found: list[Network] = []

    @shared_while_used
    def load() -> Network:
        loads.append(1)
        time.sleep(0.05)
        return Network()

    threads = [threading.Thread(target=lambda: found.append(load())) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(loads) == 1
    assert len(set(map(id, found))) == 1


def test_a_failure_is_not_remembered() -> None:
    outcomes = iter([RuntimeError("no memory"), Network()])

    @shared_while_used
    def load() -> Network:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with pytest.raises(RuntimeError):
        load()
    assert isinstance(load(), Network)
