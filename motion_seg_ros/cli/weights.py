"""`motion_seg weights`: list, fetch, verify and export trained weights."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from motion_seg_ros.errors import InputError
from motion_seg_ros.labelling.network.config import MODEL_KEY as TRACKS_KEY
from motion_seg_ros.masks.fusion.channels import MODEL_KEY as MASKS_KEY
from motion_seg_ros.networks.runtime import needs_torch
from motion_seg_ros.weights.cache import (
    SHIPPED,
    cache_folder,
    check_names,
    missing_files,
    resolve,
    verify,
)
from motion_seg_ros.weights.catalogue import PUBLISHED
from motion_seg_ros.weights.download import fetch
from motion_seg_ros.weights.formats import file_metadata
from motion_seg_ros.weights.record import sha256_of

DESCRIPTION = """\
Fetch trained weights to this machine, and verify that they are the right ones.

They go to $MOTION_SEG_CACHE, else $XDG_CACHE_HOME/motion_seg_ros, else ~/.cache/motion_seg_ros.
Only `fetch` uses the network, and not with HF_HUB_OFFLINE=1; of several processes that fetch the
same weights, one downloads and the others wait. All other commands and the node use the files that
are there, by name or by a path of your own. Weights have licences of their own: see `list`.
A file without a published digest is recorded at its first fetch and compared from then on."""

EXAMPLES = """\
examples:
  motion_seg weights list                                 names, sizes, licences, state
  motion_seg weights fetch bootstapir dinov2_small        download; interrupted, run it again
  motion_seg weights verify dinov2_small                  read them through and compare
  motion_seg weights verify ~/weights/model.safetensors   is a file of your own complete?
  motion_seg weights path bootstapir                      its path, for other programs
  motion_seg weights export run/weights.safetensors       write run/weights.onnx: runs without torch
  MOTION_SEG_CACHE=/data motion_seg weights fetch edgetam
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the program's."""
    parser = commands.add_parser(
        "weights",
        help="list, fetch, verify and export trained weights",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(
        name: str, purpose: str, run: Callable[[argparse.Namespace], None]
    ) -> argparse._ActionsContainer:
        description = f"{purpose[0].upper()}{purpose[1:]}."
        action = actions.add_parser(name, help=purpose, description=description)
        action.set_defaults(run=run)
        return action

    add("list", "show names, sizes and licences, and which are fetched", run_list)
    add("fetch", "download weights", run_fetch).add_argument("names", nargs="+", metavar="NAME")
    add(
        "verify", "read weights through and compare them with the known digests", run_verify
    ).add_argument("weights", nargs="+", metavar="NAME|PATH")
    add("path", "print the path of weights", run_path).add_argument("weights", metavar="NAME|PATH")
    export = add("export", "write weights of `train` or `train-masks` as an ONNX file", run_export)
    export.add_argument("weights", type=Path, metavar="PATH")
    export.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="default: beside it, with suffix .onnx"
    )


def run_list(arguments: argparse.Namespace) -> None:
    """Print one line for each name."""
    width = max(map(len, (*SHIPPED, *PUBLISHED)))
    print(f"{'name':<{width}}  {'MB':>6}  {'there':<5}  {'licence':<12}  for")
    rows = [
        (name, each.path.stat().st_size / 1e6, True, "Apache-2.0", "labelling: in this package")
        for name, each in SHIPPED.items()
    ] + [
        (name, each.megabytes, not missing_files(name), each.licence.name, each.purpose)
        for name, each in PUBLISHED.items()
    ]
    for name, megabytes, there, licence, purpose in rows:
        size = "?" if megabytes is None else f"{megabytes:.0f}"
        print(
            f"{name:<{width}}  {size:>6}  {'yes' if there else 'no':<5}  {licence:<12}  {purpose}"
        )
    print()
    for each in dict.fromkeys(each.licence for each in PUBLISHED.values()):
        print(f"{each.name}: {each.allows}")
    print(f"Folder: {cache_folder()}")


def run_fetch(arguments: argparse.Namespace) -> None:
    """Download weights, one after the other; none if one of the names does not exist.

    Raises:
        InputError: a name that does not exist, no network, or files that are not as stated.
        OutputError: no room.
    """
    check_names(arguments.names)
    for name in arguments.names:
        path = fetch(name)
        if name in PUBLISHED:
            each = PUBLISHED[name]
            print(f"{name}: {path}")
            print(f"  by {each.publisher}, {each.page}")
            print(f"  licence {each.licence.name}: {each.licence.allows}")
        else:
            print(f"{name}: {path} (comes with this package)")


def run_verify(arguments: argparse.Namespace) -> None:
    """Check weights.

    Raises:
        InputError: names the first file that is not right, and the fault.
    """
    for name in arguments.weights:
        for file in verify(name):
            print(
                f"ok  {file.path}  {file.size} bytes  sha256 {file.sha256}  checked: {file.proof}"
            )


def run_path(arguments: argparse.Namespace) -> None:
    """Print a path.

    Raises:
        InputError: the weights are not there.
    """
    print(resolve(arguments.weights))


def run_export(arguments: argparse.Namespace) -> None:
    """Write an ONNX file of weights, and print its digest.

    Raises:
        InputError: they cannot be read, or are of something else.
        MissingDependencyError: torch, safetensors or onnxscript is not installed.
        OutputError: the file cannot be written.
    """
    weights: Path = arguments.weights
    path: Path = arguments.output or weights.with_suffix(".onnx")
    metadata = file_metadata(weights)
    with needs_torch(weights):
        if TRACKS_KEY in metadata:
            from motion_seg_ros.labelling.network.checkpoint import export_weights

            export_weights(weights, path)
        elif MASKS_KEY in metadata:
            from motion_seg_ros.masks.fusion.network import export_mask_network

            export_mask_network(weights, path)
        else:
            raise InputError(
                f"{weights}: expected {TRACKS_KEY} or {MASKS_KEY} in its metadata, found neither; "
                "name a file that `motion_seg train` or `motion_seg train-masks` wrote"
            )
    print(f"{path}: {path.stat().st_size} bytes, sha256 {sha256_of(path)}")
