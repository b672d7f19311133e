"""Devices and floating-point types by name; copies to a device."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from motion_seg_ros.errors import ConfigError, MissingDependencyError
from motion_seg_ros.networks.device import (
    DTYPES,
    autocast,
    cast_weights,
    find_device,
    find_dtype,
    to_device,
)

torch = pytest.importorskip("torch", reason="torch: not installed")
CPU = torch.device("cpu")


def with_gpus(patch: pytest.MonkeyPatch, count: int, *, cuda: str | None = "12.8") -> None:
    """Let PyTorch say that there are so many GPUs."""
    patch.setattr(torch.cuda, "is_available", lambda: count > 0)
    patch.setattr(torch.cuda, "device_count", lambda: count)
    patch.setattr(torch.version, "cuda", cuda)


@pytest.mark.parametrize(
    ("name", "gpus", "expected"),
    [
        ("cpu", 0, "cpu"),
        ("cpu", 2, "cpu"),
        ("auto", 0, "cpu"),
        ("auto", 1, "cuda:0"),
        ("cuda", 1, "cuda:0"),
        ("cuda:1", 2, "cuda:1"),
    ],
)
def test_device_of_a_name(
    monkeypatch: pytest.MonkeyPatch, name: str, gpus: int, expected: str
) -> None:
    with_gpus(monkeypatch, gpus)
    assert find_device(name) == torch.device(expected)


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_the_current_gpu_stays_the_same_in_other_threads(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each thread has its own, which is the first one until it is told another."""
    with_gpus(monkeypatch, 2)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)
    assert find_device(name) == torch.device("cuda:1")
    assert find_device("cuda:0") == torch.device("cuda:0")


@pytest.mark.parametrize(
    ("name", "gpus", "cuda", "found"),
    [
        ("cuda", 0, None, "built without CUDA"),
        ("cuda", 0, "12.8", r"no GPU that PyTorch .* \(CUDA 12.8\) can use"),
        ("cuda:1", 1, "12.8", "found 1 GPU, the first of them cuda:0"),
    ],
)
def test_a_gpu_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, name: str, gpus: int, cuda: str | None, found: str
) -> None:
    with_gpus(monkeypatch, gpus, cuda=cuda)
    with pytest.raises(ConfigError, match=found) as error:
        find_device(name)
    assert f"device {name}:" in str(error.value)
    assert "profile lite" in str(error.value)


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "mps"])
def test_a_device_that_does_not_exist(name: str) -> None:
    with pytest.raises(ConfigError, match="expected auto, cpu, cuda or cuda:INDEX"):
        find_device(name)


def test_dtype_of_a_name() -> None:
    assert find_dtype("auto", CPU) is torch.float32
    for name in DTYPES[1:]:
        assert find_dtype(name, CPU) is getattr(torch, name)
    with pytest.raises(ConfigError, match="found float64"):
        find_dtype("float64", CPU)


def test_autocast_calculates_in_the_type() -> None:
    x = torch.ones(2, 2)
    with autocast(CPU, torch.bfloat16):
        assert (x @ x).dtype is torch.bfloat16
    with torch.autocast("cpu", dtype=torch.bfloat16), autocast(CPU, torch.float32):
        assert (x @ x).dtype is torch.bfloat16  # changes nothing
    assert (x @ x).dtype is torch.float32


def test_cast_weights_give_what_autocast_makes_of_them() -> None:
    def network() -> Any:
        torch.manual_seed(0)
        layers = (
            torch.nn.Conv2d(3, 4, 3),
            torch.nn.ConvTranspose2d(4, 4, 2),
            torch.nn.Flatten(2),
            torch.nn.Conv1d(4, 5, 3),
            torch.nn.LayerNorm(47),
            torch.nn.Linear(47, 2),
        )
        return torch.nn.Sequential(*layers).requires_grad_(False)

    plain, changed, same = network(), network(), network()
    cast_weights(changed, torch.bfloat16)
    cast_weights(same, torch.float32)
    kinds = {type(each).__name__: each.weight.dtype for each in changed if hasattr(each, "weight")}
    assert kinds.pop("LayerNorm") is torch.float32
    assert set(kinds.values()) == {torch.bfloat16}
    assert {each.dtype for each in same.parameters()} == {torch.float32}
    x = torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    with autocast(CPU, torch.bfloat16):
        assert torch.equal(changed(x), plain(x))


def test_without_torch_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingDependencyError, match="pip install 'motion_seg_ros"):
        find_device("cpu")


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
