"""The mask network: a small U-Net that corrects the belief per pixel by all evidence.

Architecture: U-Net (Ronneberger et al., MICCAI 2015) with sums in place of concatenations, whose
blocks are separable convolutions (Chollet, CVPR 2017) with a residual path.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from motion_seg_ros.masks.fusion.channels import (
    BELIEF,
    CELL,
    MASK_CHANNELS,
    SCALES,
    check_metadata,
)
from motion_seg_ros.networks.export import save_onnx
from motion_seg_ros.networks.tensor_files import load_into, load_tensors

WIDTHS = (16, 32, 48, 64)  # channels at full, half, quarter and eighth size of the input
KERNELS = (3, 3, 5, 5)
LONGEST_SIDE = 4096  # in pixels that an exported network takes, set by hand


class SeparableBlock(nn.Module):
    """Separable convolution with a residual path, (B, C, h, w) -> (B, C, h, w).

    Args:
        channels: C.
        kernel: side of the convolution.
    """

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.around = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.narrow = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w)."""
        correction: Tensor = self.narrow(functional.relu(self.widen(self.around(x))))
        return x + correction


class MaskNetwork(nn.Module):
    """Channels of a frame -> log-odds that its pixels move.

    Before any training it returns the belief among its channels.
    """

    scales: Tensor  # (MASK_CHANNELS, 1, 1)

    def __init__(self) -> None:
        super().__init__()
        first, last = WIDTHS[0], len(WIDTHS) - 1
        self.stem = nn.Conv2d(MASK_CHANNELS, first, 3, padding=1)
        self.down = nn.ModuleList(
            nn.Conv2d(WIDTHS[level], WIDTHS[level + 1], 3, stride=2, padding=1)
            for level in range(last)
        )
        self.encode = nn.ModuleList(
            nn.Sequential(*(SeparableBlock(WIDTHS[level], KERNELS[level]) for _ in range(2)))
            for level in range(1, last + 1)
        )
        self.up = nn.ModuleList(
            nn.Conv2d(WIDTHS[level + 1], WIDTHS[level], 1) for level in range(last)
        )
        self.decode = nn.ModuleList(
            [nn.Sequential(nn.Conv2d(first, first, 3, padding=1), nn.ReLU())]
            + [SeparableBlock(WIDTHS[level], KERNELS[level]) for level in range(1, last)]
        )
        self.correction = nn.Conv2d(first, 1, 1)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)  # type: ignore[arg-type]  # there is a bias
        self.gain = nn.Parameter(torch.ones(1))
        scales = torch.tensor(SCALES, dtype=torch.float32)[:, None, None]
        self.register_buffer("scales", scales, persistent=False)

    def forward(self, channels: Tensor) -> Tensor:
        """Return (B, 1, h, w) log-odds.

        Args:
            channels: (B, MASK_CHANNELS, h, w) of mask_channels; h and w are multiples of CELL.
        """
        levels = [functional.relu(self.stem(channels / self.scales))]
        for down, encode in zip(self.down, self.encode, strict=True):
            levels.append(encode(functional.relu(down(levels[-1]))))
        state = levels.pop()
        for up, decode in zip(reversed(self.up), reversed(self.decode), strict=True):
            enlarged = functional.interpolate(up(state), scale_factor=2.0, mode="bilinear")
            state = decode(levels.pop() + enlarged)
        belief = channels[:, BELIEF : BELIEF + 1]
        log_odds: Tensor = self.gain * belief + self.correction(state)
        return log_odds


def load_mask_network(path: Path) -> MaskNetwork:
    """Load a network that training wrote, in evaluation mode on the CPU.

    Args:
        path: a .safetensors or .onnx file.

    Raises:
        InputError: the file is missing, damaged or not of this network.
    """
    return _load(path)[0]


def export_mask_network(weights: Path, path: Path) -> None:
    """Write the network that a file of weights holds as an ONNX file, which runs without PyTorch.

    Raises:
        InputError: as load_mask_network.
        MissingDependencyError: onnxscript is not installed.
        OutputError: the file cannot be written.
    """
    network, metadata = _load(weights)
    example = torch.zeros(1, MASK_CHANNELS, 2 * CELL, 3 * CELL)
    sides = {
        axis: CELL * torch.export.Dim(name, min=1, max=LONGEST_SIDE // CELL)
        for axis, name in ((2, "rows"), (3, "columns"))
    }
    save_onnx(path, network, {"channels": example}, {"channels": sides}, metadata)


def _load(path: Path) -> tuple[MaskNetwork, dict[str, str]]:
    tensors, metadata = load_tensors(path)
    check_metadata(metadata, path)
    network = MaskNetwork()
    load_into(network, tensors, path, "the mask network")
    return network.eval(), metadata
