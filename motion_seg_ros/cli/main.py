"""The command `motion_seg`: subcommands, exit status, and errors of one line."""

from __future__ import annotations

import argparse
import io
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from tqdm import tqdm

from motion_seg_ros import __version__
from motion_seg_ros.cli import (
    benchmark,
    demo,
    evaluate,
    evaluate_labels,
    replay,
    report,
    segment,
    train,
    train_masks,
    weights,
)
from motion_seg_ros.errors import MotionSegError

STATUS_ERROR = 2
STATUS_INTERRUPTED = 130
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

DESCRIPTION = "Masks what moves in the world in a camera's image."
EXAMPLES = """\
examples:
  motion_seg demo                          see it work, over real ROS 2 topics
  motion_seg segment video.mp4 -o out      masks, tracks and an overlay of a video
  motion_seg benchmark                     what a frame costs on this machine

`motion_seg COMMAND --help` has more. Exit status: 0 done, 2 wrong input or usage, 130 interrupted.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments without the program's name; None for those of the process.

    Returns:
        The exit status: 0 done, 2 wrong input, 130 interrupted. argparse exits by itself, with 2
            for wrong usage.
    """
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by who started this, as some daemons do
            setattr(sys, stream, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    arguments = _parser().parse_args(argv)
    # PyTorch's OpenMP threads would spin between two operations, and take the cores from others.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(format="motion_seg: warning: %(message)s", handlers=[_BesideProgressBars()])
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be no text
    try:
        with _interrupted_once():
            arguments.run(arguments)
    except MotionSegError as error:
        return _fail(str(error))
    except OSError as error:  # of a temporary file, or of the terminal
        return _fail(f"{error.filename or 'output'}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("motion_seg: interrupted", file=sys.stderr)
        return STATUS_INTERRUPTED
    return 0


@contextmanager
def _interrupted_once() -> Iterator[None]:
    """Within the block SIGTERM, and SIGHUP of a terminal that goes, clean up as Ctrl-C does. A
    second one is ignored: it would cut the cleaning up short."""
    previous = {each: signal.getsignal(each) for each in INTERRUPTS}
    heard = [each for each, handler in previous.items() if handler != signal.SIG_IGN]  # nohup

    def interrupt(signum: int, frame: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in heard:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each in heard:
            signal.signal(each, previous[each])


class _BesideProgressBars(logging.Handler):
    """Writes to stderr, above the progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        tqdm.write(self.format(record), file=sys.stderr)


def _fail(message: str) -> int:
    print(f"motion_seg: error: {' '.join(message.split())}", file=sys.stderr)
    return STATUS_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="motion_seg",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"motion_seg {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    demo.add_parser(commands)
    segment.add_parser(commands)
    replay.add_parser(commands)
    benchmark.add_parser(commands)
    train.add_parser(commands)
    train_masks.add_parser(commands)
    evaluate.add_parser(commands)
    evaluate_labels.add_parser(commands)
    report.add_parser(commands)
    weights.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
