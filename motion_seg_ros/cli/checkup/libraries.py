"""Python libraries, programs, networks, weights, and which profile runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from motion_seg_ros.cli.checkup.finding import Finding, pip_install, python, run, version_of

TRIAL = ("-m", "motion_seg_ros.cli.checkup.trial")
CUDA_INDEX = "https://download.pytorch.org/whl/cu128"
"""As in docs/install.md; which build fits depends on the driver."""

PACKAGES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "PIL": "Pillow",
    "yaml": "PyYAML",
    "tqdm": "tqdm",
    "jinja2": "Jinja2",
}
"""Import name -> name on PyPI, of small packages that the default profile and the commands need."""


def python_packages() -> Iterator[Finding]:
    """Look at the small packages, all at once."""
    wrong = {name: each for name in PACKAGES if not (each := version_of(name)).good}
    if wrong:
        found = "; ".join(f"{name}: {each.text}" for name, each in wrong.items())
        remedy = pip_install(*(PACKAGES[name] for name in wrong))
        yield Finding("Python packages", "missing", found, remedy)
    else:
        yield Finding("Python packages", "ok", ", ".join(PACKAGES))


def opencv() -> Iterator[Finding]:
    """Look at OpenCV and its extra modules."""
    remedy = pip_install("opencv-contrib-python-headless")
    answer = version_of("cv2")
    if not answer.good:
        yield Finding("OpenCV", "missing", answer.text, remedy)
    elif not python("-c", "import cv2; cv2.ximgproc.createFastGlobalSmootherFilter").good:
        found = f"{answer.text}, without cv2.ximgproc, which masks.backend:=densifier needs"
        yield Finding("OpenCV", "note", found, remedy)
    else:
        yield Finding("OpenCV", "ok", f"{answer.text}, with cv2.ximgproc")


def programs() -> Iterator[Finding]:
    """Look at what reads bags, and reads and writes videos."""
    for name, use in (("rosbags", "reads and writes bags without ROS"), ("mcap", "reads bags")):
        answer = version_of(name)
        if answer.good:
            yield Finding(name, "ok", use)
        else:
            found = f"{answer.text}; demo, replay and bags on the command line need it"
            yield Finding(name, "note", found, pip_install(name))
    answer = version_of("av")
    if answer.good:
        yield Finding("PyAV", "ok", "decodes images that are packets of a video")
    else:
        found = f"{answer.text}; images that are packets of a video need it"
        yield Finding("PyAV", "note", found, pip_install("av"))
    answer = python("-c", "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())")
    program = answer.text if answer.good else shutil.which("ffmpeg")
    if program:
        yield Finding("ffmpeg", "ok", program)
    else:
        yield Finding("ffmpeg", "note", "none; overlay videos need it", "sudo apt install ffmpeg")


def networks() -> Iterator[Finding]:
    """Look at what runs the networks, and on which GPU."""
    torch = python(
        "-c",
        "import torch; gpu = torch.cuda.is_available(); print(torch.__version__, "
        "torch.version.cuda or '', torch.cuda.get_device_name() if gpu else '', sep='|')",
    )
    version, cuda, gpu = torch.text.split("|") if torch.good else ("", "", "")
    answer = version_of("onnxruntime")
    if answer.good:
        yield Finding("onnxruntime", "ok", f"{answer.text}, runs the networks of profile lite")
    else:
        found = f"{answer.text}; OpenCV and NumPy run the networks of profile lite, more slowly"
        yield Finding("onnxruntime", "note", found, pip_install("onnxruntime"))
    if torch.good:
        build = f"CUDA {cuda}" if cuda else "for the CPU"
        yield Finding("torch", "ok", f"{version}, built {build}")
    else:
        found = f"profile full, and training: {torch.text}"
        yield Finding("torch", "note", found, pip_install("torch"))
    yield _gpu(gpu, cuda)
    for name, package, needed in (
        ("safetensors", "safetensors", "profile full, and training"),
        ("transformers", "transformers>=5.20", "profile full"),
        ("huggingface_hub", "huggingface_hub", "`motion_seg weights fetch`"),
        ("pooch", "pooch", "`motion_seg weights fetch`"),
    ):
        answer = version_of(name)
        if answer.good:
            yield Finding(name, "ok", answer.text)
        else:
            yield Finding(name, "note", f"{needed}: {answer.text}", pip_install(package))
    yield _tapnet()


def _gpu(usable: str, cuda: str) -> Finding:
    """Look at the GPU.

    Args:
        usable: the GPU that PyTorch can use; "": none.
        cuda: version that PyTorch is built with; "": none, or no PyTorch.
    """
    if usable:
        return Finding("GPU", "ok", usable)
    driver = run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"])
    if not driver.good or not driver.text:
        return Finding("GPU", "note", "none that nvidia-smi or PyTorch sees; lite needs none")
    found = f"{driver.text.splitlines()[0]}: not used by PyTorch"
    if cuda:
        return Finding("GPU", "note", f"{found}, whose CUDA {cuda} may be newer than the driver")
    index = f"--index-url {CUDA_INDEX}"
    return Finding("GPU", "note", found, f"{pip_install('--force-reinstall', 'torch')} {index}")


def _tapnet() -> Finding:
    answer = python("-c", "import tapnet.torch.tapir_model")
    if answer.good:
        return Finding("tapnet", "ok", "BootsTAPIR")
    source = "git+https://github.com/google-deepmind/tapnet"
    remedy = f"{pip_install('--no-deps', source)} && {pip_install('dm-tree', 'einshape')}"
    return Finding("tapnet", "note", f"profile full: {answer.text}", remedy)


def weights() -> Iterator[Finding]:
    """Look at the weights: those in the package, and those that profile full needs by default."""
    from motion_seg_ros.errors import InputError
    from motion_seg_ros.plan import needed_weights
    from motion_seg_ros.settings.pipeline import make_config
    from motion_seg_ros.weights.cache import SHIPPED, missing_files, resolve

    for name in SHIPPED:
        try:
            yield Finding("weights lite", "ok", f"{name}: {resolve(name)}")
        except (InputError, OSError) as error:
            yield Finding("weights lite", "missing", str(error))
    needed = needed_weights(make_config({"profile": "full"})).values()
    missing = [name for name in needed if missing_files(name)]
    if missing:
        found = f"not fetched: {', '.join(missing)}; `motion_seg weights list` shows their licences"
        remedy = f"motion_seg weights fetch {' '.join(missing)}"
        yield Finding("weights full", "note", found, remedy)
    else:
        yield Finding("weights full", "ok", ", ".join(needed))


def profile_lite() -> Iterator[Finding]:
    """Segment some frames with the default profile."""
    answer = python(*TRIAL, "lite")
    yield Finding("profile lite", "ok" if answer.good else "missing", answer.text)


def profile_full() -> Iterator[Finding]:
    """Look whether all that profile full needs is there."""
    answer = python(*TRIAL, "full")
    yield Finding("profile full", "ok" if answer.good else "note", answer.text)
