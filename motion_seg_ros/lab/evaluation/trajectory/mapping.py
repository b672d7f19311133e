"""Structure from motion of one folder of images, by COLMAP, in a process of its own.

`python -m motion_seg_ros.lab.evaluation.trajectory.mapping` reads a job from stdin and writes what
was found to stdout, both as JSON. It imports pycolmap and nothing that brings other image
libraries: they crash each other within one process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motion_seg_ros.errors import MissingDependencyError

MIN_REGISTERED = 3  # images, for a path to be compared


@dataclass(frozen=True)
class MappingJob:
    """Images to map, and settings of COLMAP.

    Attributes:
        images: folder of images, the camera's frames in the order of their names.
        names: those of its images that are mapped.
        masks: folder with `<image name>.png`, black = no features there; None: none.
        camera: COLMAP's model and its parameters, kept as given; see io.colmap_camera. None: COLMAP
            estimates one focal length and one distortion of all images.
        workspace: an existing, empty folder to work in.
        seed: of COLMAP's random choices.
        max_features: SIFT features of an image at most.
        overlap: frames that each frame is matched with, after it; further ones at distances that
            double.
    """

    images: str
    names: tuple[str, ...]
    masks: str | None
    camera: tuple[str, str] | None
    workspace: str
    seed: int
    max_features: int
    overlap: int


@dataclass(frozen=True)
class MappingResult:
    """A map, or the reason why there is none.

    Attributes:
        poses: image name -> (3, 4) camera -> world, row by row, at the map's own scale; of the
            largest map, in x right, y down, z forward camera axes.
        points: number of 3-D points of that map.
        maps: number of disconnected maps.
        failure: reason why there is no map; None where there is one.
    """

    poses: dict[str, list[list[float]]] = dataclasses.field(default_factory=dict)
    points: int = 0
    maps: int = 0
    failure: str | None = None


def check_installed(*packages: str) -> None:
    """Check that packages of a comparison of trajectories are installed.

    Raises:
        MissingDependencyError: one is not.
    """
    for name in packages:
        if importlib.util.find_spec(name) is None:
            raise MissingDependencyError(
                f"trajectories: expected the package {name}, found none; install it with "
                "pip install 'motion_seg_ros[trajectory]' (or: pip install pycolmap evo)"
            )


class MappingProcess:
    """Runs a job in a process of its own, which does not outlive the `with` block.

    The same job gives the same result on the same machine.
    """

    def __init__(self, job: MappingJob) -> None:
        self._job = job

    def __enter__(self) -> MappingProcess:
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C reaches this process alone
        )
        assert self._process.stdin is not None
        # It stays open, so that it ends with this process, however that ends.
        self._pipe, self._process.stdin = self._process.stdin, None
        with contextlib.suppress(BrokenPipeError):
            self._pipe.write(json.dumps(dataclasses.asdict(self._job)).encode() + b"\n")
            self._pipe.flush()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._pipe.close()
        self._log.close()

    @property
    def pid(self) -> int:
        """Id of the process, within the block and after it."""
        return self._process.pid

    def result(self) -> MappingResult:
        """Wait for the result; a crash is one with the last line of output as `failure`."""
        output, _ = self._process.communicate()
        status = self._process.returncode
        if status == 0:
            return MappingResult(**json.loads(output))
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return MappingResult(failure=f"COLMAP ended {how}; last words: {(lines or ['none'])[-1]}")


def _main() -> None:
    job = MappingJob(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # COLMAP prints; only the result is to go to what was stdout.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer:
        os.dup2(2, 1)
        json.dump(dataclasses.asdict(_map(job)), answer)


def _end_with_parent() -> None:
    """End this process when its parent closes the pipe or is gone."""
    while os.read(0, 1):  # not by sys.stdin, whose lock would be in the way of a regular end
        pass
    os._exit(1)


def _map(job: MappingJob) -> MappingResult:
    import pycolmap

    with contextlib.suppress(AttributeError):  # glog's, which not every build has
        pycolmap.logging.minloglevel = pycolmap.logging.Level.WARNING.value
    pycolmap.set_random_seed(job.seed)
    database = Path(job.workspace) / "database.db"
    _extract(pycolmap, job, database)
    _match(pycolmap, job, database)
    maps = pycolmap.incremental_mapping(
        database, job.images, job.workspace, options=_mapper_options(pycolmap, job)
    )
    best = max(maps.values(), key=lambda each: each.num_reg_images(), default=None)
    if best is None or best.num_reg_images() < MIN_REGISTERED:
        return MappingResult(maps=len(maps), failure="too few matches to start a map")
    poses = {
        image.name: image.cam_from_world().inverse().matrix().tolist()
        for image in (best.image(index) for index in best.reg_image_ids())
    }
    return MappingResult(dict(sorted(poses.items())), best.num_points3D(), len(maps))


def _extract(pycolmap: Any, job: MappingJob, database: Path) -> None:
    reader = pycolmap.ImageReaderOptions()
    if job.masks is not None:
        reader.mask_path = job.masks
    if job.camera is not None:
        reader.camera_model, reader.camera_params = job.camera
    extraction = pycolmap.FeatureExtractionOptions()
    extraction.use_gpu = False
    extraction.num_threads = 1
    extraction.sift.max_num_features = job.max_features
    pycolmap.extract_features(
        database,
        job.images,
        list(job.names),
        camera_mode=pycolmap.CameraMode.SINGLE,
        reader_options=reader,
        extraction_options=extraction,
        device=pycolmap.Device.cpu,
    )


def _match(pycolmap: Any, job: MappingJob, database: Path) -> None:
    matching = pycolmap.FeatureMatchingOptions()
    matching.use_gpu = False
    matching.num_threads = 1
    pairing = pycolmap.SequentialPairingOptions()
    pairing.overlap = job.overlap
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = job.seed
    pycolmap.match_sequential(
        database,
        matching_options=matching,
        pairing_options=pairing,
        verification_options=verification,
        device=pycolmap.Device.cpu,
    )


def _mapper_options(pycolmap: Any, job: MappingJob) -> Any:
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads = 1
    options.random_seed = job.seed
    options.mapper.num_threads = 1
    options.mapper.random_seed = job.seed
    options.triangulation.random_seed = job.seed
    options.extract_colors = False
    options.min_model_size = MIN_REGISTERED
    if job.camera is not None:
        options.ba_refine_focal_length = False
        options.ba_refine_extra_params = False
        options.mapper.abs_pose_refine_focal_length = False
        options.mapper.abs_pose_refine_extra_params = False
    return options


if __name__ == "__main__":
    _main()
