"""Comparison of mask networks on rendered scenes, as the pipeline uses them: pooled with the
belief, each with the bias at which it has the same false alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from motion_seg_ros.lab.training.masks.samples import MaskSample, read_mask_samples
from motion_seg_ros.lab.training.masks.validation import ALARMS, frame_scores
from motion_seg_ros.masks.fusion.channels import BELIEF, MASK_CHANNELS, NAMES
from motion_seg_ros.masks.fusion.learned import BIAS, NETWORK_WEIGHT, MaskPredictor
from motion_seg_ros.types import FloatArray

BIASES = np.linspace(-4, 1, 51, dtype=np.float32)  # log-odds; set by hand
RESAMPLED = 200  # bootstraps over scenes; set by hand
_TOGETHER = (  # channels that are one input
    ("x", "y"),
    ("behind_camera", "behind_ground"),
    ("depth_certainty", "nearness"),
)
_GROUPED = {name for group in _TOGETHER for name in group}
INPUTS = (*((name,) for name in NAMES if name not in _GROUPED), *_TOGETHER)


@dataclass(frozen=True)
class Compared:
    """One way to classify pixels.

    Attributes:
        name: of its weights, with the input that is blanked or the weight of the belief, if any.
        iou: mean intersection over union of frames with moving pixels, at `bias`.
        bias: log-odds; with it ALARMS of the pixels are masked in frames in which nothing moves, or
            the one of BIASES that comes nearest.
        usual_iou, usual_alarms: the same, and that share, at the pipeline's own bias.
        difference: of `iou` to that of the first one, over bootstraps of the scenes (Efron, 1979).
        deviation: standard deviation of `difference` over these.

    NaN where the scenes have no frame that counts.
    """

    name: str
    iou: float
    bias: float
    usual_iou: float
    usual_alarms: float
    difference: float
    deviation: float


@dataclass(frozen=True)
class MaskComparison:
    """Networks compared on the same frames.

    Attributes:
        compared: in the order of the networks.
        scenes, frames: how many.
        static_scenes, static_frames: how many of them, in or with frames in which nothing moves.
    """

    compared: tuple[Compared, ...]
    scenes: int
    frames: int
    static_scenes: int
    static_frames: int


def compare_masks(
    files: Sequence[Path],
    networks: Mapping[str, MaskPredictor],
    *,
    belief_weights: Sequence[float],
    blank_inputs: bool = False,
    progress_bar: bool = True,
) -> MaskComparison:
    """Compare networks on samples of scenes.

    Args:
        files: one for each scene, of `build_mask_dataset`.
        networks: by name.
        belief_weights: of the pool; all are compared.
        blank_inputs: compare each network also without one of INPUTS at a time, which is replaced
            by its mean over the scenes. The belief stays in the pool.
        progress_bar: show a progress bar.

    Raises:
        InputError: a file cannot be read.
    """
    means = _means(files, progress_bar) if blank_inputs else np.zeros(MASK_CHANNELS, np.float32)
    blanked: tuple[tuple[str, ...], ...] = ((), *INPUTS) if blank_inputs else ((),)
    ways = [
        _Way(name, predictor, blank, means, belief_weights)
        for name, predictor in networks.items()
        for blank in blanked
    ]
    names = [each for way in ways for each in way.names]
    moves: list[bool] = []
    scenes: list[int] = []
    scores: list[list[FloatArray]] = []
    for scene, file in enumerate(_bar(files, "comparing", progress_bar)):
        for sample in read_mask_samples(file):
            each = [frame_scores(p, sample, -BIASES) for way in ways for p in way.pooled(sample)]
            moves.append(each[0][0])
            scenes.append(scene)
            scores.append([score for _, score in each])
    table = _Table(np.array(scenes), np.array(moves), np.array(scores).transpose(1, 0, 2))
    return MaskComparison(
        tuple(table.compared(names)),
        len(files),
        len(moves),
        len({scene for scene, each in zip(scenes, moves, strict=True) if not each}),
        moves.count(False),
    )


def as_table(found: MaskComparison) -> str:
    """Return the comparison as text."""
    wide = max(len(each.name) for each in found.compared) + 2
    lines = [
        f"{found.scenes} scenes, {found.frames} frames; nothing moves in {found.static_frames} "
        f"frames of {found.static_scenes} scenes",
        f"{'':<{wide}}{f'at {ALARMS:.0%} false alarms':<21}{f'at the bias {BIAS:.2f}':<22}"
        "to the first",
        f"{'network':<{wide}}{'IoU':<7}{'bias':<14}{'IoU':<7}{'false alarms':<15}IoU (deviation)",
    ]
    for each in found.compared:
        lines.append(
            f"{each.name:<{wide}}{each.iou:<7.3f}{each.bias:<14.2f}{each.usual_iou:<7.3f}"
            f"{each.usual_alarms:<15.2%}{each.difference:+.3f} ({each.deviation:.3f})"
        )
    return "\n".join(lines)


@dataclass(frozen=True)
class _Way:
    """A network that takes some of its inputs, pooled with several weights of the belief."""

    name: str
    predictor: MaskPredictor
    blanked: tuple[str, ...]
    means: FloatArray
    belief_weights: Sequence[float]

    @property
    def names(self) -> list[str]:
        name = self.name + (f" without {', '.join(self.blanked)}" if self.blanked else "")
        if len(self.belief_weights) == 1:
            return [name]
        return [f"{name}, belief {weight:g}" for weight in self.belief_weights]

    def pooled(self, sample: MaskSample) -> Iterator[FloatArray]:
        """Yield (h, w) log-odds without bias for each weight of the belief."""
        channels = sample.channels.astype(np.float32)
        belief = channels[BELIEF].copy()
        for each in map(NAMES.index, self.blanked):
            channels[each] = self.means[each]
        log_odds = self.predictor.network_log_odds(channels)
        for weight in self.belief_weights:
            yield np.asarray(NETWORK_WEIGHT * log_odds + weight * belief, np.float32)


@dataclass(frozen=True)
class _Table:
    """Scores (ways, frames, BIASES) of frames of which `moves` (frames,) have something that moves,
    of the `scenes` (frames,)."""

    scenes: npt.NDArray[np.int64]
    moves: npt.NDArray[np.bool_]
    scores: FloatArray

    def compared(self, names: Sequence[str]) -> Iterator[Compared]:
        """Yield what each way has."""
        count = int(self.scenes.max()) + 1
        draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLED)
        usual = int(np.argmin(np.abs(BIASES - BIAS)))
        first = None
        for name, scores in zip(names, self.scores, strict=True):
            iou, alarms = self._curves(scores, np.ones((1, count)))
            resampled_iou, resampled_alarms = self._curves(scores, draws)
            resampled = _at_alarms(resampled_alarms, resampled_iou)
            first = resampled if first is None else first
            difference = resampled - first
            yield Compared(
                name,
                iou=float(_at_alarms(alarms, iou)[0]),
                bias=float(_at_alarms(alarms, BIASES)[0]),
                usual_iou=float(iou[0, usual]),
                usual_alarms=float(alarms[0, usual]),
                difference=float(difference.mean()),
                deviation=float(difference.std()),
            )

    def _curves(
        self, scores: FloatArray, draws: npt.NDArray[np.generic]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return IoU and false alarms, (draws, BIASES), of scenes as often as in `draws` (draws,
        scenes). NaN where no frame counts."""
        curves = []
        for moves in (True, False):
            frames = draws[:, self.scenes] * (self.moves == moves)
            with np.errstate(invalid="ignore"):
                curves.append(frames @ scores / frames.sum(1, keepdims=True))
        return curves[0], curves[1]


def _at_alarms(
    alarms: npt.NDArray[np.float64], values: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """Return (draws,): values (draws, BIASES) or (BIASES,) where alarms (draws, BIASES) are ALARMS;
    NaN where they are unknown."""
    known = np.where(np.isfinite(alarms), values, np.nan)
    return np.array([np.interp(ALARMS, *curve) for curve in zip(alarms, known, strict=True)])


def _means(files: Sequence[Path], progress_bar: bool) -> FloatArray:
    """Return the mean of each channel, (MASK_CHANNELS,)."""
    found = [
        sample.channels.mean((1, 2), dtype=np.float32)
        for file in _bar(files, "means", progress_bar)
        for sample in read_mask_samples(file)
    ]
    return np.asarray(np.mean(found, 0), np.float32)


def _bar(files: Sequence[Path], name: str, shown: bool) -> Iterator[Path]:
    yield from tqdm(files, desc=name, unit="scene", disable=None if shown else True)
