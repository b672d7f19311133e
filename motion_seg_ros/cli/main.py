"""The command `motion_seg`: subcommands, exit status, and errors of one line."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

from motion_seg_ros import __version__
from motion_seg_ros.errors import MotionSegError
from motion_seg_ros.threads import spare_cores

COMMANDS = (
    "demo",
    "segment",
    "replay",
    "benchmark",
    "train",
    "train-masks",
    "compare-masks",
    "photographs",
    "evaluate",
    "evaluate-labels",
    "report",
    "cross-validate",
    "weights",
    "doctor",
)
"""Each is a module of motion_seg_ros.cli, with "_" for "-"."""

LABORATORY = "motion_seg_ros.lab"

STATUS_ERROR = 2
STATUS_INTERRUPTED = 130
INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

DESCRIPTION = "Masks what moves in the world in a camera's image."
EXAMPLES = """\
examples:
  motion_seg demo                          see it work, over real ROS 2 topics
  motion_seg segment video.mp4 -o out      masks, tracks and an overlay of a video
  motion_seg benchmark                     time per frame on this machine
  motion_seg doctor                        is anything missing on this machine?

`motion_seg COMMAND --help` has more. Exit status: 0 done, 2 wrong input or usage, 130 interrupted.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: arguments without the program's name; None: those of the process.

    Returns:
        The exit status: 0 done, 1 `doctor` found something missing, 2 wrong input, 130
            interrupted. argparse exits by itself, with 2 for wrong usage.
    """
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by the parent process, as some daemons do
            setattr(sys, stream, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    spare_cores()
    logging.basicConfig(format="motion_seg: warning: %(message)s", handlers=[_AboveProgressBars()])
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may not be text
    try:
        arguments = _parser(sys.argv[1:] if argv is None else argv).parse_args(argv)
        with _interrupted_once():
            status: int | None = arguments.run(arguments)
    except MotionSegError as error:
        return _fail(str(error))
    except ModuleNotFoundError as error:
        if not _lacks_laboratory(error):
            raise
        return _fail(
            f"expected the package {LABORATORY}, which this command needs and this installation "
            "lacks; install the whole of motion_seg_ros"
        )
    except OSError as error:  # of a temporary file or the terminal
        return _fail(f"{error.filename or 'output'}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("motion_seg: interrupted", file=sys.stderr)
        return STATUS_INTERRUPTED
    return status or 0


@contextlib.contextmanager
def _interrupted_once() -> Iterator[None]:
    """Let SIGTERM, and SIGHUP of a terminal that closes, interrupt the block as Ctrl-C does. A
    second one is ignored: it would cut the cleaning up short."""
    previous = {each: signal.getsignal(each) for each in INTERRUPTS}
    handled = [each for each, handler in previous.items() if handler != signal.SIG_IGN]  # nohup

    def interrupt(signum: int, frame: FrameType | None) -> None:
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in handled:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each in handled:
            signal.signal(each, previous[each])


class _AboveProgressBars(logging.Handler):
    """Writes log records to stderr, above the progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        bars = sys.modules.get("tqdm")
        if bars is None:  # not loaded: there is none; and `doctor` runs where it is not installed
            print(self.format(record), file=sys.stderr)
        else:
            bars.tqdm.write(self.format(record), file=sys.stderr)


def _fail(message: str) -> int:
    print(f"motion_seg: error: {' '.join(message.split())}", file=sys.stderr)
    return STATUS_ERROR


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Return the program's parser, with the command that is given, or with all for the help."""
    parser = argparse.ArgumentParser(
        prog="motion_seg",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"motion_seg {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = next((each for each in argv if not each.startswith("-")), "")
    if command in COMMANDS:
        _import(command).add_parser(commands)
        return parser
    for each in COMMANDS:
        try:
            _import(each).add_parser(commands)
        except ModuleNotFoundError as error:
            if not _lacks_laboratory(error):
                raise
    return parser


def _import(command: str) -> Any:
    return importlib.import_module(f"motion_seg_ros.cli.{command.replace('-', '_')}")


def _lacks_laboratory(error: ModuleNotFoundError) -> bool:
    return (error.name or "").startswith(LABORATORY)


if __name__ == "__main__":
    sys.exit(main())
