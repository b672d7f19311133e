"""`motion_seg photographs`: fetch photographs with a free licence to train with."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

DESCRIPTION = """\
Fetch photographs with a free licence out of Debian packages of wallpapers, to give the surfaces of
training scenes a natural look. Needs apt-get and dpkg-deb, which Debian and Ubuntu have, and a
network, but neither root nor an installation of the packages. photographs.json lists authors and
licences."""

EXAMPLES = """\
examples:
  motion_seg photographs PHOTOS
  motion_seg train-masks -o run --photographs PHOTOS
  motion_seg train -o run --set data.photographs=PHOTOS
"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "photographs",
        help="fetch photographs to train with",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--package",
        dest="packages",
        action="append",
        metavar="NAME",
        help="a Debian package of pictures, instead of the usual ones; may be given many times",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Fetch the photographs, and say whose they are.

    Raises:
        MotionSegError: a package cannot be fetched, or the folder cannot be written.
    """
    from motion_seg_ros.lab.training.photographs.folder import fetch_photographs
    from motion_seg_ros.lab.training.photographs.packages import PACKAGES

    found = fetch_photographs(arguments.folder, arguments.packages or PACKAGES)
    each_of = Counter(
        (f"{each.package} {each.version}", each.licence) for each in found.photographs
    )
    for (package, licence), count in sorted(each_of.items()):
        print(f"{count:4} of {package}: {licence}")
    print(f"{len(found.photographs)} photographs in {found.folder}, digest {found.digest}")
