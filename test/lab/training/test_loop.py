"""The loop: it learns, it stops, and it resumes as if it had never stopped."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import time
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training_windows import FRAMES, pan_sample

from motion_seg_ros.errors import MotionSegError, OutputError
from motion_seg_ros.lab.training import loop
from motion_seg_ros.lab.training.config import TrainConfig, make_train_config
from motion_seg_ros.lab.training.loop import CHECKPOINT_FILE, CURVES_FOLDER, WEIGHTS_FILE, Trainer
from motion_seg_ros.lab.training.packed import PackedTracks, pack
from motion_seg_ros.lab.training.state import load_checkpoint
from motion_seg_ros.lab.training.validation import judge, predict
from motion_seg_ros.labelling.network.calibration import Calibration
from motion_seg_ros.labelling.network.checkpoint import load_weights

SMALL = {
    "model.encoder_width": 32,
    "model.decoder_width": 16,
    "model.decoder_hidden": 32,
    "model.decoder_layers": 1,
    "model.dropout": 0.1,
    "batch.windows": 4,
    "batch.tracks_min": 20,
    "batch.tracks_max": 50,
    "optimiser.learning_rate": 3e-3,
    "output.log_interval_steps": 1,
    "engine.accelerator": "cpu",
}


@pytest.fixture(scope="module")
def training() -> PackedTracks:
    return pack((pan_sample(seed, tracks=40 + seed) for seed in range(18)), FRAMES)


@pytest.fixture(scope="module")
def validation() -> PackedTracks:
    shares = (0.3, 0.0, 0.1, 0.5)
    return pack((pan_sample(90 + i, moving_share=share) for i, share in enumerate(shares)), FRAMES)


def settings(**changes: object) -> TrainConfig:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return make_train_config({**SMALL, **named})


def trainer(
    config: TrainConfig,
    training: PackedTracks,
    validation: PackedTracks,
    folder: Path,
    *,
    resume: bool = False,
) -> Trainer:
    folder.mkdir(exist_ok=True)
    resumed = load_checkpoint(folder / CHECKPOINT_FILE) if resume else None
    fabric = Fabric(accelerator="cpu", devices=1)
    return Trainer(
        *(config, training, validation, fabric),
        folder=folder,
        data="windows",
        resumed=resumed,
        progress_bar=False,
    )


def in_the_next_second() -> None:
    """TensorBoard reads a folder's files in the order of the seconds they were started in; within
    one second the order of the tenth writer of a process is wrong."""
    time.sleep(1 - time.time() % 1)


def curve(folder: Path, name: str) -> dict[int, float]:
    """Step -> value, of all runs in a folder."""
    events = EventAccumulator(str(folder / CURVES_FOLDER), size_guidance={"scalars": 0})
    events.Reload()
    return {event.step: event.value for event in events.Scalars(name)}


def test_it_learns_what_can_be_learned(
    training: PackedTracks, validation: PackedTracks, tmp_path: Path
) -> None:
    config = settings(schedule__steps=60, validation__interval_steps=30, model__dropout=0.0)
    progress = trainer(config, training, validation, tmp_path).run()
    losses = curve(tmp_path, "train/loss")
    assert sorted(losses) == list(range(1, 61))
    assert sum(losses[step] for step in range(51, 61)) < 0.5 * sum(
        losses[step] for step in range(1, 11)
    )
    assert progress.best_f1 > 0.9
    assert set(curve(tmp_path, "validation/f1")) == {30, 60}
    assert curve(tmp_path, "train/learning_rate")[60] == pytest.approx(3e-3)


@pytest.mark.parametrize("stop_at", [5, 8, 9])
def test_a_resumed_run_has_the_same_losses_and_ends_in_the_same_weights(
    training: PackedTracks, validation: PackedTracks, tmp_path: Path, stop_at: int
) -> None:
    """Exactly; with dropout and augmentation, across epochs (4 steps each) and validations, by Adam
    with a learning rate that falls."""
    config = settings(
        schedule__steps=14, validation__interval_steps=4, optimiser__schedule="cosine"
    )
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    unbroken = trainer(config, training, validation, whole)
    unbroken.run()

    first = trainer(config, training, validation, parts)
    with pytest.raises(KeyboardInterrupt):
        first.run(lambda: first.progress.step >= stop_at)
    assert load_checkpoint(parts / CHECKPOINT_FILE).progress.step == stop_at
    torch.rand(5)  # the state of PyTorch's own generator is of no account
    second = trainer(config, training, validation, parts, resume=True)
    in_the_next_second()
    second.run()

    for name in ("train/loss", "train/gradient_norm", "validation/f1", "validation/log_loss"):
        assert curve(parts, name) == curve(whole, name)
    for name, tensor in unbroken.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[name], tensor)
    found, expected = (load_checkpoint(each / CHECKPOINT_FILE) for each in (parts, whole))
    assert dataclasses.replace(found.progress, seconds=0) == dataclasses.replace(
        expected.progress, seconds=0
    )


def test_stopped_during_validation_it_validates_when_resumed(
    training: PackedTracks, validation: PackedTracks, tmp_path: Path
) -> None:
    config = settings(schedule__steps=4, validation__interval_steps=2)
    first = trainer(config, training, validation, tmp_path)
    asked_at: list[int] = []

    def stop() -> bool:
        asked_at.append(first.progress.step)
        return asked_at.count(2) == 2  # after the step, then within the validation

    with pytest.raises(KeyboardInterrupt):
        first.run(stop)
    assert load_checkpoint(tmp_path / CHECKPOINT_FILE).progress.validated_step == 0
    in_the_next_second()
    trainer(config, training, validation, tmp_path, resume=True).run()
    assert set(curve(tmp_path, "validation/f1")) == {2, 4}


def test_the_best_weights_are_kept_with_what_is_needed_to_use_them(
    training: PackedTracks, validation: PackedTracks, tmp_path: Path
) -> None:
    config = settings(schedule__steps=40, validation__interval_steps=10)
    progress = trainer(config, training, validation, tmp_path).run()
    f1 = curve(tmp_path, "validation/f1")
    assert progress.best_f1 == pytest.approx(max(f1.values()), abs=1e-6)
    assert f1[progress.best_step] == max(f1.values())
    model, metadata = load_weights(tmp_path / WEIGHTS_FILE)
    assert metadata["step"] == str(progress.best_step)
    assert metadata["data"] == "windows"
    assert json.loads(metadata["config"])["schedule.steps"] == 40
    said = json.loads(metadata["validation"])
    assert said["f1"] == progress.best_f1
    logits = predict(model, validation, windows=3, device=torch.device("cpu"))
    assert logits is not None
    found = judge(logits, validation)
    assert found.metrics.f1 == pytest.approx(progress.best_f1, abs=1e-6)
    kept = Calibration.from_metadata(metadata, tmp_path)
    assert kept.temperature == pytest.approx(found.calibration.temperature, rel=1e-3)


def test_it_stops_when_validation_gains_no_more(
    training: PackedTracks, validation: PackedTracks, tmp_path: Path
) -> None:
    """A learning rate of next to nothing: the first validation stays the best."""
    config = settings(
        schedule__steps=1000,
        validation__interval_steps=2,
        validation__patience=3,
        optimiser__learning_rate=1e-8,
    )
    progress = trainer(config, training, validation, tmp_path).run()
    assert (progress.best_step, progress.step) == (2, 8)


def test_a_full_disk_ends_the_run_and_leaves_the_last_checkpoint(
    training: PackedTracks,
    validation: PackedTracks,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = settings(schedule__steps=9, output__checkpoint_interval_steps=3)
    run = trainer(config, training, validation, tmp_path)
    fsync = os.fsync

    def full_after_step_3(number: int) -> None:
        if run.progress.step > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(number)

    monkeypatch.setattr(os, "fsync", full_after_step_3)
    with pytest.raises(OutputError, match="No space left"):
        run.run()
    monkeypatch.undo()
    assert load_checkpoint(tmp_path / CHECKPOINT_FILE).progress.step == 3
    assert not list(tmp_path.glob("*.partial")) + list(tmp_path.glob(".*.partial"))
    resumed = trainer(config, training, validation, tmp_path, resume=True)
    assert resumed.run().step == 9


def test_a_loss_that_is_no_number_is_an_error_before_the_weights_are_touched(
    training: PackedTracks,
    validation: PackedTracks,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = trainer(settings(schedule__steps=3), training, validation, tmp_path)
    before = {name: tensor.clone() for name, tensor in run.network.state_dict().items()}
    monkeypatch.setattr(loop, "moving_loss", lambda logits, *_: logits.sum() * float("nan"))
    with pytest.raises(MotionSegError, match=r"finite loss .* lower optimiser\.learning_rate"):
        run.run()
    assert all(torch.equal(before[k], v) for k, v in run.network.state_dict().items())


def test_each_epoch_sees_every_window_once_in_an_order_of_its_own(
    training: PackedTracks, validation: PackedTracks, tmp_path: Path
) -> None:
    run = trainer(settings(batch__windows=6), training, validation, tmp_path)
    epochs = [[n for i in range(3) for n in run._windows(3 * epoch + i)] for epoch in (0, 1)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(18))] * 2
    assert epochs[0] != epochs[1]


def test_another_seed_is_another_run(
    training: PackedTracks, validation: PackedTracks, tmp_path: Path
) -> None:
    losses = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run = trainer(
            settings(schedule__steps=2, schedule__seed=seed), training, validation, tmp_path / name
        )
        run.run()
        losses.append(curve(tmp_path / name, "train/loss"))
    assert losses[0] == losses[1] != losses[2]


def test_the_number_of_tracks_varies_between_steps(
    training: PackedTracks, validation: PackedTracks, tmp_path: Path
) -> None:
    run = trainer(settings(), training, validation, tmp_path)
    counts = {run._batch(step)[0]["visible"].shape[-1] for step in range(60)}
    assert min(counts) >= 20
    assert max(counts) <= 50
    assert len(counts) > 15
