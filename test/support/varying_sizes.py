"""An operation on COUNT + 1 sizes of tensors in turn, twice, after a pipeline was built.

`python varying_sizes.py COUNT`.
"""

from __future__ import annotations

import sys

import torch

from motion_seg_ros.build import build
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import Config

build(resolve(Config()))
for _ in range(2):
    for size in range(int(sys.argv[1]) + 1):
        torch.nn.functional.gelu(torch.zeros(1, 100 + size, 192))
