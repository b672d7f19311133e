"""Validation of a network on held-out windows: calibration and metrics."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from motion_seg_ros.lab.evaluation.labels.metrics import LabelMetrics, label_metrics
from motion_seg_ros.lab.training.calibration import fit_calibration, log_loss
from motion_seg_ros.lab.training.packed import PackedTracks
from motion_seg_ros.labelling.network.calibration import Calibration
from motion_seg_ros.labelling.network.encoding import encode
from motion_seg_ros.labelling.network.transformer import TrackTransformer
from motion_seg_ros.networks.device import to_device
from motion_seg_ros.types import FloatArray, Int64Array

MANY_TRACKS = 512  # a batch has about `windows` times as many tracks; set by hand
MOST_FALSE_ALARMS = 0.01  # share of tracks called moving where nothing moves; set by hand


@dataclass(frozen=True)
class Validation:
    """Result of one validation. All numbers are of calibrated probabilities.

    Attributes:
        metrics: over all labelled tracks, at the calibration's threshold.
        false_alarms_nothing_moves: share of labelled tracks classified as moving in windows in
            which no labelled track moves; NaN without such windows.
        log_loss: unweighted cross-entropy, in nats per track.
        calibration: fitted on the same tracks.
    """

    metrics: LabelMetrics
    false_alarms_nothing_moves: float
    log_loss: float
    calibration: Calibration

    def __str__(self) -> str:
        found = self.metrics
        return (
            f"F1 {found.f1:.3f}, precision {found.precision:.3f}, recall {found.recall:.3f}, "
            f"AUC {found.roc_auc:.3f}, ECE {found.ece:.3f}, log loss {self.log_loss:.4f}, "
            f"false alarms where nothing moves {self.false_alarms_nothing_moves:.2%}"
        )

    def numbers(self) -> dict[str, float]:
        """Return all numbers by name."""
        return {
            **{name: float(value) for name, value in dataclasses.asdict(self.metrics).items()},
            "false_alarms_nothing_moves": self.false_alarms_nothing_moves,
            "log_loss": self.log_loss,
            **dataclasses.asdict(self.calibration),
        }


def predict(
    model: TrackTransformer,
    packed: PackedTracks,
    *,
    windows: int,
    device: torch.device,
    stop: Callable[[], bool] = lambda: False,
) -> FloatArray | None:
    """Compute the logits (M,) float32 of all tracks, without augmentation or dropout.

    Args:
        model: its mode is restored.
        packed: the windows.
        windows: batch size, in windows of about MANY_TRACKS tracks.
        device: where the model is.
        stop: polled before each batch.

    Returns:
        The logits; None if stopped.
    """
    logits = np.zeros(len(packed.moving), np.float32)
    by_size = np.argsort(packed.count, kind="stable")
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for chosen in np.split(by_size, _cuts(packed, by_size, windows)):
                if stop():
                    return None
                batch, _ = packed.whole(chosen)
                inputs = encode(batch, model.config).items()
                tensors = {name: to_device(array, device) for name, array in inputs}
                found = model(**tensors).float().cpu().numpy()
                for row, window in enumerate(chosen):
                    start, count = packed.start[window], packed.count[window]
                    logits[start : start + count] = found[row, :count]
    finally:
        model.train(was_training)
    return logits


def _cuts(packed: PackedTracks, by_size: Int64Array, windows: int) -> list[int]:
    """Return where to cut windows in order of size so that no batch has too many tracks."""
    cuts, begin = [], 0
    for place, count in enumerate(packed.count[by_size]):
        if place > begin and (place + 1 - begin) * count > windows * MANY_TRACKS:
            cuts.append(place)
            begin = place
    return cuts


def judge(logits: FloatArray, packed: PackedTracks) -> Validation:
    """Calibrate, choose the threshold, and compute metrics over the labelled tracks.

    The threshold is that of the highest F1, or the lowest above it with MOST_FALSE_ALARMS where
    nothing moves: F1 alone depends on how many of the windows have movers.

    Args:
        logits: (M,) float32 of `predict`.
        packed: the windows.
    """
    labelled = packed.labelled
    moving = packed.moving[labelled]
    calibration = fit_calibration(logits[labelled], moving)
    probability = calibration.probability(logits[labelled])
    of_window = np.repeat(np.arange(len(packed)), packed.count)[labelled]
    movers = np.bincount(of_window, moving, len(packed))
    nothing_moves = movers[of_window] == 0
    if nothing_moves.any():
        least = float(np.quantile(probability[nothing_moves], 1 - MOST_FALSE_ALARMS))
        calibration = dataclasses.replace(calibration, threshold=max(calibration.threshold, least))
    alarms = probability[nothing_moves] > calibration.threshold
    return Validation(
        metrics=label_metrics(probability, moving, calibration.threshold),
        false_alarms_nothing_moves=float(alarms.mean()) if len(alarms) else float("nan"),
        log_loss=log_loss(logits[labelled], moving, calibration),
        calibration=calibration,
    )
