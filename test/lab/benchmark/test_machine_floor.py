"""Work is counted by hand, and so is the floor."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch: not installed")
from motion_seg_ros.lab.benchmark.machine_floor import (  # noqa: E402
    MachineRates,
    Work,
    WorkCounter,
    measure_rates,
)

FLOAT = 4  # bytes


def test_products_convolutions_and_attention_are_counted() -> None:
    linear = torch.nn.Linear(8, 16)  # whose weights take gradients, as those of some networks do
    convolution = torch.nn.Conv2d(3, 5, 3, bias=False)
    counter = WorkCounter()
    with torch.inference_mode(), counter:
        pass
    assert counter.work == Work(0, 0, 0)
    with torch.inference_mode(), counter:
        linear(torch.ones(10, 8)).relu().flatten()
        convolution(torch.ones(1, 3, 6, 7))
        q, k = torch.ones(1, 2, 9, 4), torch.ones(1, 2, 11, 4)
        torch.nn.functional.scaled_dot_product_attention(q, k, k)
    products = 2 * 10 * 8 * 16
    patches = 2 * (4 * 5) * 5 * (3 * 9)
    attention = 2 * 2 * (9 * 11 * 4 + 9 * 11 * 4)
    assert counter.work.flops == products + patches + attention
    of_linear = 10 * 8 + 16 * 8 + 16 + 10 * 16
    of_convolution = 3 * 6 * 7 + 5 * 3 * 9 + 5 * 4 * 5
    of_attention = 2 * 9 * 4 + 2 * (2 * 11 * 4) + 2 * 9 * 4
    least = FLOAT * (of_linear + of_convolution + of_attention)
    log_sums = FLOAT * 2 * 9  # which attention gives beside its result
    # Four tensors of ones, three calculations and a ReLU; views are none.
    assert counter.work.operations == 4 + 3 + 1
    assert least <= counter.work.bytes <= least + log_sums


def test_what_another_thread_or_a_later_line_does_is_not_counted() -> None:
    counter = WorkCounter()
    with counter:
        torch.ones(4, 4) @ torch.ones(4, 4)
    torch.ones(4, 4) @ torch.ones(4, 4)
    assert counter.work.flops == 2 * 4**3


@pytest.mark.parametrize(
    ("work", "floor_ms"),
    [(Work(3e9, 1e6, 1), 3.0), (Work(1e6, 4e6, 9), 4.0), (Work(0, 0, 2), 0.0)],
)
def test_the_floor_is_the_slower_of_the_two(work: Work, floor_ms: float) -> None:
    rates = MachineRates("cpu", "float32", flops_per_s=1e12, bytes_per_s=1e9)
    assert work.floor_ms(rates) == pytest.approx(floor_ms)


def test_rates_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    from motion_seg_ros.lab.benchmark import machine_floor

    monkeypatch.setitem(machine_floor.MATRIX_SIDE, "cpu", 64)
    monkeypatch.setitem(machine_floor.COPIED_BYTES, "cpu", 2**16)
    monkeypatch.setattr(machine_floor, "MEASURED_S", 0.01)
    rates = measure_rates(torch.device("cpu"), torch.float32)
    assert (rates.device, rates.dtype) == ("cpu", "float32")
    assert 1e6 < rates.flops_per_s < 1e15
    assert 1e6 < rates.bytes_per_s < 1e14
