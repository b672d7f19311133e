"""Training run from settings to weights: windows, engine, loop."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from lightning_fabric import Fabric

from motion_seg_ros.errors import ConfigError, OutputError
from motion_seg_ros.lab.training.config import TrainConfig, to_json
from motion_seg_ros.lab.training.interruption import stop_request
from motion_seg_ros.lab.training.loop import CHECKPOINT_FILE, WEIGHTS_FILE, Trainer
from motion_seg_ros.lab.training.state import Checkpoint, Progress, load_checkpoint, writing
from motion_seg_ros.lab.training.windows import load_windows
from motion_seg_ros.labelling.network.checkpoint import export_weights

EXPORTED_FILE = "weights.onnx"  # of the best network, to run without PyTorch

# Settings that a resumed run may change. None of them changes a step, except for the run's length,
# which a cosine schedule depends on.
MAY_CHANGE = (
    *("output.folder", "output.checkpoint_interval_steps", "output.log_interval_steps"),
    *("data.folder", "data.kubric", "data.dynamic_replica", "data.hoi4d", "data.workers"),
    "data.photographs",
    "engine.threads",
    *("schedule.steps", "schedule.epochs", "validation.patience"),
)
# Settings in checkpoints of earlier versions that were removed since, with the values that change
# nothing.
REMOVED = {
    "augmentation.history_dropout": 0.0,
    "augmentation.track_history_dropout": 0.0,
    "data.features": False,
    "data.projected_windows": 0,
    "data.validation_projected_windows": 0,
    "model.hints": False,
    "model.residuals": False,
}


def train(
    config: TrainConfig, *, resume: bool = False, progress_bar: bool = True
) -> Progress | None:
    """Generate missing windows, train, and write weights (also as ONNX file), checkpoint and
    curves.

    Args:
        config: all settings.
        resume: continue from the checkpoint in the output folder.
        progress_bar: show progress bars.

    Returns:
        The final progress; None in all processes but the first.

    Raises:
        ConfigError: there is no GPU as asked for, the model needs inputs that the windows lack, or
            the settings differ from those of the run to resume.
        InputError: windows or a checkpoint cannot be read.
        MissingDependencyError: onnxscript is not installed, which writes EXPORTED_FILE.
        OutputError: the output cannot be written, or holds another run.
        KeyboardInterrupt: SIGINT or SIGTERM; a checkpoint was written.
    """
    folder = Path(config.output.folder)
    resumed = _resumed(config, folder) if resume else None
    if resumed is None and (folder / CHECKPOINT_FILE).exists():
        raise OutputError(
            f"{folder}: expected no earlier run, found {CHECKPOINT_FILE}; go on with it by "
            "--resume, or choose another folder"
        )
    if config.engine.accelerator == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "engine.accelerator: expected a GPU that this PyTorch can use for cuda, found none; "
            "choose auto or cpu"
        )
    if config.model.feature_channels:
        raise ConfigError(
            f"model.feature_channels: expected 0, as training windows hold no features, found "
            f"{config.model.feature_channels}; set model.feature_channels 0"
        )
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if config.engine.threads:
        torch.set_num_threads(config.engine.threads)
    windows = load_windows(config.data, config.model.frames, progress_bar=progress_bar)
    trainer = Trainer(
        config,
        windows.training,
        windows.validation,
        _engine(config),
        folder=folder,
        data=windows.description,
        resumed=resumed,
        progress_bar=progress_bar,
    )
    with stop_request() as stop:
        progress = trainer.run(stop.is_set)
    _part(trainer.fabric)
    if not trainer.fabric.is_global_zero:
        return None
    export_weights(folder / WEIGHTS_FILE, folder / EXPORTED_FILE)
    return progress


def _engine(config: TrainConfig) -> Fabric:
    fabric = Fabric(
        accelerator=config.engine.accelerator,
        devices=config.engine.devices,
        strategy="ddp" if config.engine.devices > 1 else "auto",
        precision=config.engine.precision,  # type: ignore[arg-type]  # a choice of the setting
    )
    fabric.launch()
    return fabric


def _part(fabric: Fabric) -> None:
    """End the work of several processes: none may leave while the connections of another live."""
    if fabric.world_size > 1:
        fabric.barrier()
        torch.distributed.destroy_process_group()


def _resumed(config: TrainConfig, folder: Path) -> Checkpoint:
    checkpoint = load_checkpoint(folder / CHECKPOINT_FILE)
    now = json.loads(to_json(config))
    kept = dict(json.loads(checkpoint.config))
    for name, unused in REMOVED.items():
        if (value := kept.pop(name, unused)) != unused:
            raise ConfigError(
                f"{name}: expected {unused!r} in the run to resume, as this version has no such "
                f"setting any more, found {value!r}; start a new run in another folder"
            )
    # A setting added since then had its default.
    then = {**json.loads(to_json(TrainConfig())), **kept}
    for name in sorted({*then, *now}.difference(MAY_CHANGE)):
        if then.get(name) != now.get(name):
            raise ConfigError(
                f"{name}: expected {then.get(name)!r} as in the run to resume, found "
                f"{now.get(name)!r}; set it so, or start a new run in another folder"
            )
    return checkpoint
