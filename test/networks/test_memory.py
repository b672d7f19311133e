"""Devices whose memory runs out, played by the errors that PyTorch raises then."""

from __future__ import annotations

import weakref

import pytest

from motion_seg_ros.errors import DeviceMemoryError, InputError, MotionSegError
from motion_seg_ros.networks.memory import device_memory, release_cached_memory

torch = pytest.importorskip("torch", reason="torch: not installed")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has"),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
)
def test_full_memory_is_said_in_one_line(error: RuntimeError) -> None:
    with pytest.raises(MotionSegError) as raised, device_memory("depth"):
        raise error
    assert raised.type is DeviceMemoryError
    text = str(raised.value)
    assert "\n" not in text
    assert text.startswith("depth: expected enough memory on the device, found: ")
    assert "; free some, or choose" in text


def test_the_pipelines_stage_is_named() -> None:
    with (
        pytest.raises(DeviceMemoryError) as raised,
        device_memory("masks"),
        device_memory("segmenter"),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory.")
    assert raised.value.stage == "masks"
    assert str(raised.value).startswith("segmenter: ")


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), InputError("no file")])
def test_other_errors_are_left_alone(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, device_memory("depth"):
        raise error
    assert raised.value is error


def test_what_the_failed_block_held_is_let_go_although_the_error_is_kept() -> None:
    held: list[weakref.ref[object]] = []

    def work() -> None:
        tensor = torch.zeros(3)
        held.append(weakref.ref(tensor))
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(DeviceMemoryError) as raised, device_memory("depth"):
        work()
    assert raised.value is not None
    assert held[0]() is None


def test_where_no_gpu_is_used_there_is_nothing_to_release() -> None:
    release_cached_memory()
    assert not torch.cuda.is_initialized()
