"""Networks that several pipelines of one process have in common."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Hashable
from typing import ParamSpec, TypeVar
from weakref import WeakValueDictionary

Arguments = ParamSpec("Arguments")
Network = TypeVar("Network")


def shared_while_used(load: Callable[Arguments, Network]) -> Callable[Arguments, Network]:
    """Make a function that loads a network return the one it has loaded for the same arguments, as
    long as somebody holds it.

    Args:
        load: takes hashable arguments; what it returns is never changed, and can be referred to
            weakly. Hold it itself, not only a part of it.
    """
    loaded: WeakValueDictionary[Hashable, Network] = WeakValueDictionary()
    lock = threading.Lock()

    @functools.wraps(load)
    def load_or_share(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Network:
        key = (args, tuple(sorted(kwargs.items())))
        with lock:
            network = loaded.get(key)
            if network is None:
                network = loaded[key] = load(*args, **kwargs)
            return network

    return load_or_share
