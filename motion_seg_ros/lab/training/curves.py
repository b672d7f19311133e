"""Curves for TensorBoard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from torch.utils.tensorboard import SummaryWriter

from motion_seg_ros.lab.training.state import cannot_write


class Curves:
    """Writes numbers by step, within a ``with`` block.

    Args:
        folder: for the event files; None: nothing is written.
        step: points after this step, of an earlier run that got further, are hidden.
    """

    def __init__(self, folder: Path | None, step: int) -> None:
        self._folder = folder
        self._step = step
        self._writer: SummaryWriter | None = None

    def __enter__(self) -> Curves:
        if self._folder is not None:
            try:
                self._writer = SummaryWriter(str(self._folder), purge_step=self._step + 1)
            except OSError as error:
                raise cannot_write(self._folder, error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is None or self._folder is None:
            return
        try:
            self._writer.close()
        except OSError as closing:
            if error is None:
                raise cannot_write(self._folder, closing) from closing

    def add(self, group: str, numbers: Mapping[str, float], step: int) -> None:
        """One point for each of `numbers` that is one.

        Raises:
            OutputError: it cannot be written.
        """
        if self._writer is None or self._folder is None:
            return
        try:
            for name, value in numbers.items():
                if not math.isnan(value):
                    self._writer.add_scalar(f"{group}/{name}", value, step)
        except OSError as error:
            raise cannot_write(self._folder, error) from error
