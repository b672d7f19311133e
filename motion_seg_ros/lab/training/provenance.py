"""Provenance of weights: the machine they were trained on."""

from __future__ import annotations

import torch


def machine(device: torch.device) -> str:
    """Describe the machine, such as "cpu, 2 threads, torch 2.13.0"."""
    name = device.type
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}"
