"""Quality of the masks that subscribers got, beside the same frames with every one inferred."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from motion_seg_ros.lab.evaluation.annotated import AnnotatedSequence
from motion_seg_ros.lab.evaluation.evaluate import SequenceTask, evaluate_sequence
from motion_seg_ros.lab.evaluation.pipeline_method import PipelineMethod
from motion_seg_ros.lab.evaluation.provenance import commit
from motion_seg_ros.lab.evaluation.results import OFFLINE, SequenceScores
from motion_seg_ros.settings.pipeline import Config


@dataclass(frozen=True)
class LiveQuality:
    """Scores of a live run against the truth.

    Attributes:
        scored: number of frames scored.
        never_came: those of them of which no mask came: they count as a mask in which nothing
            moves. Late and propagated masks count as what they are.
        J_mean: over the scored frames; F_mean and JF_mean likewise.
        offline_J_mean: of the same frames through the pipeline, every one inferred, however long it
            takes; offline_F_mean and offline_JF_mean likewise. None where that was not run.
        JF_difference: JF_mean less offline_JF_mean: what the speed of the machine adds.
    """

    scored: int
    never_came: int
    J_mean: float
    F_mean: float
    JF_mean: float
    offline_J_mean: float | None = None
    offline_F_mean: float | None = None
    offline_JF_mean: float | None = None
    JF_difference: float | None = None

    @classmethod
    def of(
        cls, live: SequenceScores, never_came: int, offline: SequenceScores | None
    ) -> LiveQuality:
        """Return the quality of a live run over the same scored frames as the one offline."""
        own = (len(live.per_frame.name), never_came, live.J_mean, live.F_mean, live.JF_mean)
        if offline is None:
            return cls(*own)
        difference = live.JF_mean - offline.JF_mean
        return cls(*own, offline.J_mean, offline.F_mean, offline.JF_mean, difference)

    def lines(self) -> list[str]:
        """Return the scores as lines of text."""
        came = f", {self.never_came} of them never answered: scored as empty"
        lines = [
            f"live J {self.J_mean:.3f}, F {self.F_mean:.3f}, J&F {self.JF_mean:.3f} over "
            f"{self.scored} frames with truth{came if self.never_came else ', all answered'}"
        ]
        if self.JF_difference is not None:
            lines.append(
                f"offline, every frame inferred: J {self.offline_J_mean:.3f}, F "
                f"{self.offline_F_mean:.3f}, J&F {self.offline_JF_mean:.3f}; live "
                f"{self.JF_difference:+.3f}, at this machine's speed"
            )
        return lines


def offline_scores(
    sequence: AnnotatedSequence, config: Config, folder: Path, *, separate: bool | None
) -> SequenceScores:
    """Run the pipeline over a sequence, every frame inferred, and score it; shows a progress bar.

    Args:
        sequence: the frames that were played, with their truth.
        config: of the pipeline, with answers to each frame at once.
        folder: gets masks/offline/<sequence>.
        separate: the truth tells movers apart; None: if it has several.

    Raises:
        MotionSegError: an input, a setting or an output that is wrong.
    """
    method = functools.partial(PipelineMethod, config)
    task = SequenceTask(sequence, method, folder, OFFLINE, separate, commit=commit())
    with tqdm(total=task.size, desc=OFFLINE, unit="frame", disable=None) as bar:

        def advance(count: int) -> None:
            bar.update(count)

        return evaluate_sequence(task, advance)
