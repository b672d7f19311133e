"""The port's modules as they are loaded: what they work out is the same, and no GPU is waited for.

The GPU is played by PyTorch's "meta" device, whose tensors have no numbers: to ask for one is an
error, as is to mix them with those of the CPU.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch: not installed")
pytest.importorskip("safetensors", reason="safetensors: not installed")
from torch.overrides import TorchFunctionMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from motion_seg_ros.tracking.tapir import network as tapir_network  # noqa: E402
from motion_seg_ros.tracking.tapir import port as tapir_port  # noqa: E402
from motion_seg_ros.tracking.tapir.network import TapnetNetwork  # noqa: E402
from motion_seg_ros.tracking.tapir.port import DeviceTorch, load_port  # noqa: E402

CPU, NOWHERE = torch.device("cpu"), torch.device("meta")
SIDE = 64
IMAGE = np.random.default_rng(0).integers(0, 256, (48, 80, 3), np.uint8)
POINTS = np.array([[10, 10], [50, 40], [30, 20]], np.float32)

needs_tapnet = pytest.mark.skipif(
    importlib.util.find_spec("tapnet") is None, reason="tapnet: not installed (it is not on PyPI)"
)


def test_constants_are_made_on_the_device_and_once() -> None:
    own = DeviceTorch(NOWHERE)
    assert own.arange(-3, 4).device == own.randperm(5).device == NOWHERE
    assert own.arange(3, device=CPU).tolist() == [0, 1, 2]
    assert own.tensor(1e-12, device=NOWHERE) is own.tensor(1e-12, device=NOWHERE)
    sizes = own.tensor(torch.Size((4, 6)), device=CPU)
    assert sizes is own.tensor((4, 6), device=CPU)
    assert sizes.tolist() == [4, 6]
    one, real = own.tensor(1, device=CPU), own.tensor(1.0, device=CPU)
    assert (one.dtype, real.dtype) == (torch.int64, torch.float32)
    assert own.tensor(2).device == CPU
    assert own.zeros is torch.zeros


def test_constants_are_of_use_in_and_out_of_inference_mode() -> None:
    own = DeviceTorch(CPU)
    with torch.inference_mode():
        own.tensor(2.0, device=CPU)
    x = torch.ones(1, requires_grad=True)
    (x * own.tensor(2.0, device=CPU)).backward()
    assert x.grad is not None
    assert x.grad.item() == 2


def test_indices_are_shuffled_as_by_pytorch() -> None:
    torch.manual_seed(3)
    expected = torch.randperm(9)
    torch.manual_seed(3)
    assert torch.equal(DeviceTorch(CPU).randperm(9), expected)


@needs_tapnet
def test_grid_coordinates_are_those_of_the_port() -> None:
    theirs = importlib.import_module("tapnet.torch.utils").convert_grid_coordinates
    ours = load_port(CPU).utils.convert_grid_coordinates
    random = np.random.default_rng(0)
    xy = torch.from_numpy(random.uniform(-5, 70, (1, 40, 2)).astype(np.float32))
    txy = torch.cat((torch.ones(1, 40, 1), xy), -1)
    for given, old, new, how in (
        (xy, (64, 48), torch.Size((13, 7)), "xy"),
        (txy, (8, 64, 48), (8, 13, 7), "tyx"),
    ):
        expected = theirs(given, tuple(old), tuple(new), coordinate_format=how)
        assert torch.equal(ours(given, old, new, coordinate_format=how), expected)


@needs_tapnet
def test_the_port_of_others_stays_as_it_is() -> None:
    theirs = importlib.import_module("tapnet.torch.tapir_model")
    utils = theirs.utils
    convert = utils.convert_grid_coordinates
    assert load_port(NOWHERE) is not theirs
    assert theirs.torch is torch
    assert theirs.utils is utils
    assert utils.convert_grid_coordinates is convert


class Waits(TorchFunctionMode):
    """Notes the tensors that are made of Python numbers on the device."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.tensor and (kwargs or {}).get("device") == NOWHERE:
            self.found.append(f"torch.tensor({args})")
        return func(*args, **(kwargs or {}))


class Copies(TorchDispatchMode):
    """Notes copies from the CPU to the device, and indices on the CPU, but for to_device."""

    def __init__(self, waits: Waits) -> None:
        super().__init__()
        self.waits = waits
        self.unwaited = 0

    def to_device(self, values: Any, device: Any) -> Any:
        self.unwaited += 1
        tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
        return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = str(func)
        if "_to_copy" in name and args[0].device == CPU and kwargs.get("device") == NOWHERE:
            self.waits.found.append(name)
        if name.startswith(("aten.index.", "aten.index_put")) and args[0].device == NOWHERE:
            self.waits.found += [name for i in args[1] if i is not None and i.device == CPU]
        return func(*args, **kwargs)


@needs_tapnet
@pytest.mark.parametrize("causal", [False, True])
def test_a_look_at_points_never_waits_for_the_device(
    causal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its result is fetched."""
    monkeypatch.setattr(tapir_network, "find_device", lambda name: NOWHERE)
    fetched: list[Any] = []
    monkeypatch.setattr(tapir_network, "_estimates", lambda parts, frames: fetched.append(parts))
    network = TapnetNetwork(
        None, device="meta", dtype="float32", causal=causal, resolution=SIDE, memory_budget_mb=1024
    )
    waits = Waits()
    copies = Copies(waits)
    for module in (tapir_network, tapir_port):
        monkeypatch.setattr(module, "to_device", copies.to_device)
    with waits, copies:
        frame = network.encode(IMAGE)
        points = network.describe(frame, POINTS).select(np.array([True, False, True]))
        if causal:
            network.step(frame, points, network.start(2).select(np.array([True, True])))
        else:
            query = np.column_stack((np.zeros(2, np.float32), POINTS[:2]))
            network.estimate([frame, frame], points, query)
    assert waits.found == []
    assert copies.unwaited > 3, "it did look"
    assert len(fetched) == 1
    assert fetched[0][0].device == NOWHERE
