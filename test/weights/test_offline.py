"""Nothing but fetching uses the network: a process in which every attempt is noted, from start to
the masks of a frame."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tiny_networks import transformers_library

transformers_library()

PROGRAM = """
import json, sys
attempts = []

def note(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        attempts.append(f"{event} {arguments!r}")

sys.addaudithook(note)  # it hears all threads

import threading
from pathlib import Path
import flow_as_tapir
import numpy as np
from motion_seg_ros.build import build
from motion_seg_ros.plan import resolve
from motion_seg_ros.settings.pipeline import make_config
from motion_seg_ros.lab.benchmark.random_networks import write_random_weights
from motion_seg_ros.tracking.tapir.tracker import TapirTracker
from motion_seg_ros.types import Frame

folder = Path(sys.argv[1])
names = {
    "depth.depth_anything.weights": "depth_anything_v2_small",
    "features.dino.weights": "dinov2_base",
    "labelling.official.weights": "segment_any_motion_tracks",
    "masks.sam2.weights": "sam2.1_hiera_tiny",
}
toys = {
    key: str(write_random_weights(name, folder / name, toy=True)) for key, name in names.items()
}
settings = {"profile": "full", "device": "cpu", "tracking.tapir.weights": sys.argv[1], **toys}
settings |= {"depth.depth_anything.short_side_px": 28}
TapirTracker.load = flow_as_tapir.load
segmenter = build(resolve(make_config(settings)))
image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
for t in range(4):
    result = segmenter.push(Frame(np.roll(image, t, axis=1), t))
assert result.labels.abstention is None  # so that all networks were asked
for each in threading.enumerate():
    if each is not threading.current_thread() and not each.daemon:
        each.join()
print(json.dumps(attempts))
"""


def test_the_full_profile_never_asks_for_the_network(tmp_path: Path) -> None:
    """Also where nothing, such as HF_HUB_OFFLINE=1, forbids it."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS"))}
    environment |= {"OMP_NUM_THREADS": "1", "HF_HOME": str(tmp_path / "hf")}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)  # also of flow_as_tapir
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []
