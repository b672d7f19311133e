"""Copies to a device: the same numbers, and on a GPU through pinned memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from motion_seg_ros.networks.transfer import to_device

torch = pytest.importorskip("torch", reason="torch: not installed")
CPU = torch.device("cpu")


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, bool])
def test_the_numbers_are_the_same(dtype: Any) -> None:
    values = np.random.default_rng(0).integers(0, 2, (3, 4, 5)).astype(dtype)
    for given in (values, values.transpose(2, 0, 1), torch.from_numpy(values)):
        found = to_device(given, CPU)
        np.testing.assert_array_equal(found.numpy(), np.asarray(given))
        assert found.numpy().dtype == values.dtype


def test_on_the_cpu_nothing_is_copied() -> None:
    values = np.zeros(3, np.float32)
    found = to_device(values, CPU)
    values[1] = 7
    assert found[1] == 7


def test_a_gpu_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU: what PyTorch is asked to do."""
    steps: list[tuple[str, Any]] = []

    def pin(self: Any) -> Any:
        steps.append(("pin", tuple(self.shape)))
        return self

    def noted(self: Any, device: Any, **kwargs: Any) -> Any:
        steps.append((str(device), kwargs))
        return self

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    monkeypatch.setattr(torch.Tensor, "to", noted)
    to_device(np.zeros((2, 3), np.float32), torch.device("cuda:1"))
    assert steps == [("pin", (2, 3)), ("cuda:1", {"non_blocking": True})]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_on_a_gpu_what_was_there_when_it_was_given_arrives() -> None:
    gpu = torch.device("cuda")
    for count in range(20):
        values = np.full(1 << 20, count, np.float32)
        found = to_device(values, gpu)
        values[:] = -1
        assert (found == count).all()
