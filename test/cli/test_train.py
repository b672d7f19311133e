"""`motion_seg train` as a user starts, stops and resumes it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from training_windows import pan_sample

from motion_seg_ros.cli import main
from motion_seg_ros.lab.track_samples import write_samples
from motion_seg_ros.lab.training.config import make_train_config, read_train_config
from motion_seg_ros.lab.training.simulation.dataset import shard_path
from motion_seg_ros.lab.training.state import load_checkpoint
from motion_seg_ros.labelling.network.checkpoint import load_weights

SMALL = """
model: {encoder_width: 16, decoder_width: 8, decoder_hidden: 8, decoder_heads: 2, decoder_layers: 1}
batch: {windows: 2, tracks_min: 10, tracks_max: 20}
schedule: {steps: 6}
validation: {interval_steps: 3}
engine: {accelerator: cpu, threads: 1}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A file of settings, for windows that are there already."""
    data = tmp_path / "data"
    data.mkdir()
    for number, split in enumerate(("train", "validation")):
        samples = [pan_sample(100 * number + i, tracks=30) for i in range(8)]
        write_samples(shard_path(data, split, 0), samples)
    file = tmp_path / "train.yaml"
    file.write_text(
        f"data: {{folder: {data}, rendered_windows: 8, validation_rendered_windows: 8, "
        f"workers: 1}}\n{SMALL}",
        encoding="utf-8",
    )
    return file


def failure(capsys: pytest.CaptureFixture[str]) -> str:
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("motion_seg: error: ")
    return line


def test_the_settings_it_prints_are_the_defaults(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main.main(["train", "--print-config"]) == 0
    file = tmp_path / "printed.yaml"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert read_train_config(file) == make_train_config()


def test_it_trains_and_says_what_came_of_it(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    assert main.main(["train", "--config", str(config), "-o", str(output)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("6 steps, best F1 ")
    assert said.endswith(f"written to {output}\n")
    model, metadata = load_weights(output / "weights.safetensors")
    assert model.config.decoder_width == 8
    assert json.loads(metadata["data"])["training"]["windows"] == 8
    assert {each.name for each in output.iterdir()} == {
        *("checkpoint.pt", "tensorboard", "weights.onnx", "weights.safetensors")
    }


def test_an_earlier_run_is_not_overwritten_but_resumed(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "--config", str(config), "-o", str(tmp_path / "run")]
    assert main.main(command) == 0
    assert main.main(command) == 2
    assert "found checkpoint.pt; go on with it by --resume" in failure(capsys)
    assert main.main([*command, "--resume", "--set", "schedule.steps=9"]) == 0
    assert capsys.readouterr().out.startswith("9 steps, ")
    assert main.main([*command, "--resume", "--set", "batch.windows=4"]) == 2
    assert "batch.windows: expected 2 as in the run to resume, found 4" in failure(capsys)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--set", "batch.window=3"], "batch.window: no such setting; did you mean batch.windows"),
        (["--set", "data.projected_windows=9"], "data.projected_windows: no such setting"),
        (["--config", "/nowhere.yaml"], "/nowhere.yaml: cannot read the configuration file"),
        (["--threads", "-1"], "engine.threads: expected 0 to 1024, found -1"),
        (["--resume", "-o", "/nowhere"], "/nowhere/checkpoint.pt: expected the checkpoint"),
    ],
)
def test_wrong_input_is_one_line_and_status_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["train", *arguments]) == 2
    assert words in failure(capsys)


def test_windows_without_what_the_model_asks_for(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("train", "validation"):  # with too few tracks to tell the camera's motion from
        few = [pan_sample(i, tracks=20) for i in range(8)]
        write_samples(shard_path(tmp_path / "data", split, 0), few)
    arguments = ["--config", str(config), "-o", str(tmp_path / "run"), "--set", "model.depth=true"]
    assert main.main(["train", *arguments]) == 2
    assert "expected depth at the tracks, found none" in failure(capsys)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_writes_a_checkpoint_and_is_status_130(
    config: Path, tmp_path: Path, number: signal.Signals
) -> None:
    output = tmp_path / "run"
    checkpoint = output / "checkpoint.pt"
    long = ["--set", "schedule.steps=1000000", "--set", "output.checkpoint_interval_steps=1000000"]
    command = ["-m", "motion_seg_ros.cli.main", "train", "--config", str(config), "-o", str(output)]
    child = subprocess.Popen([sys.executable, *command, *long], stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 120
        while not checkpoint.exists() and time.monotonic() < deadline:  # of the first validation
            time.sleep(0.05)
        at_validation = load_checkpoint(checkpoint).progress.step
        time.sleep(0.2)
        child.send_signal(number)
        _, said = child.communicate(timeout=60)
    finally:
        child.kill()
    assert child.returncode == 130
    assert said.splitlines()[-1] == "motion_seg: interrupted"
    assert load_checkpoint(checkpoint).progress.step >= at_validation >= 3
    assert not list(output.glob(".*"))


def test_two_processes_train_one_network(config: Path, tmp_path: Path) -> None:
    """Each sees its share of a step's windows; both end with the same weights or would hang."""
    output = tmp_path / "run"
    command = ["-m", "motion_seg_ros.cli.main", "train", "--config", str(config), "-o", str(output)]
    done = subprocess.run(
        [sys.executable, *command, "--set", "engine.devices=2"],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("6 steps, best F1 ") == 1
    assert load_checkpoint(output / "checkpoint.pt").progress.step == 6
