"""The measured numbers of the README, in one file with where each comes from.

docs/figures.json has them, with the command, the commit, the machine and the day of each run:

    python docs/figures.py collect davis=out/results.json cv=cross_validation.json speed=cost.json
    python docs/figures.py write      rewrites the numbers in the texts, and docs/figures.md
    python docs/figures.py check      fails where a text and the file differ; part of `make lint`

`collect` takes files that `motion_seg evaluate`, `cross-validate`, `benchmark --json` and
`evaluate-labels` write, each under the name of a run, and keeps of them what the texts use. A line
of a text says in a comment at its end (in a table: of its last cell) what its numbers are, from
left to right: figures, as RUN.PLACE in the file that was collected, or the same number again where
it is nothing measured, as a year or a size. A name that begins with a dot takes the place of the
last part of the one before. RUN.machine=WORD says that the line has this word of the machine.

    | **ours** | .732 | **.715** <!-- figures: davis.J_mean .JF_mean --> |
    of DAVIS 2016, on an Intel Xeon machine <!-- figures: 2016 davis.machine=Xeon -->

A number keeps its form: decimals, a leading zero or none, % or none; so a new one is written as
.000 and then by `write`. A commit in backquotes is RUN.commit. In the sections of COVERED every
number has to be named so, and a number with decimals, or in a table beside its first column, has to
be a figure.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measured import COMMIT, ORIGIN, FigureError, entry

ROOT = Path(__file__).resolve().parents[1]
COVERED: Mapping[str, frozenset[str]] = {"README.md": frozenset({"How good", "How fast"})}
FILE, PAGE = "docs/figures.json", "docs/figures.md"

PREFACE = """\
# Where the numbers come from

The numbers of the README and of parts of [results.md](results.md), by the runs that measured them.
Written by `python docs/figures.py write` from [figures.json](figures.json), which `python
docs/figures.py collect` fills from files of results; `make lint` fails where a text differs. How a
text names its numbers: [figures.py](figures.py)."""

COMMENT = re.compile(r"<!--\s*figures:\s*(.*?)\s*-->")
HIDDEN = re.compile(r"<!--.*?-->|`[^`]*`|\]\([^)]*\)")  # comments, code, targets of links
HASH = re.compile(r"`([0-9a-f]{7,40})`")
NUMBER = re.compile(r"(?<![\w.])(?:\d+x\d+|-?(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+))")


@dataclass(frozen=True)
class Token:
    """A number of a line, or a commit.

    Attributes:
        start: column.
        text: as it stands there.
        percent: a % follows.
        aside: in a table, beside its first column.
    """

    start: int
    text: str
    percent: bool
    aside: bool


@dataclass(frozen=True)
class Line:
    """A line of a text outside code blocks.

    Attributes:
        number: from 1.
        text: without its end.
        covered: every number has to be named.
        names: of its numbers; None without a comment.
        said: RUN.machine and a word of it that the line has.
    """

    number: int
    text: str
    covered: bool
    names: tuple[str, ...] | None
    said: tuple[tuple[str, str], ...]


class Figures:
    """The runs of docs/figures.json, by name."""

    def __init__(self, runs: Mapping[str, Any]) -> None:
        self.runs = runs

    @classmethod
    def read(cls, root: Path) -> Figures:
        """Read the file below the root of a checkout."""
        return cls(json.loads((root / FILE).read_text(encoding="utf-8")))

    def save(self, root: Path) -> None:
        """Write the file in alphabetical order, without figures that no text uses."""
        wanted = used(root)
        content = {}
        for name, run in sorted(self.runs.items()):
            values = dict(sorted(run["values"].items()))
            values = {each: values[each] for each in values if f"{name}.{each}" in wanted}
            if values or f"{name}.commit" in wanted:
                content[name] = {**run, "values": values}
        (root / FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def value(self, figure: str) -> object:
        """Return a figure, or the commit of a run; None if there is no such one."""
        name, _, place = figure.partition(".")
        run = self.runs.get(name, {})
        return run.get("commit") if place == "commit" else run.get("values", {}).get(place)

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with the file, whatever the texts say."""
        for name, run in self.runs.items():
            for field in ORIGIN:
                if not run.get(field):
                    yield f"{FILE}: {name}: expected its {field}, found none"
            for each in (run, *run.get("candidates", {}).values()):
                if not COMMIT.fullmatch(each.get("commit", "")):
                    yield f"{FILE}: {name}: expected a commit, found {each.get('commit')!r}"


def tokens(line: str) -> list[Token]:
    """Return the numbers of a line of Markdown outside code, comments and targets of links, and the
    commits in backquotes."""
    seen = HIDDEN.sub(lambda hidden: " " * len(hidden[0]), line)
    numbers = [(each.start(), each[0]) for each in NUMBER.finditer(seen)]
    numbers += [(each.start(1), each[1]) for each in HASH.finditer(line)]
    first = line.find("|", 1) if line.startswith("|") else len(line)
    return [
        Token(start, text, bool(re.match(r"\s?%", line[start + len(text) :])), start > first)
        for start, text in sorted(numbers)
    ]


def spelled(value: object, like: Token) -> str:
    """Return a value in the form of a number that stands in a text."""
    if not isinstance(value, (int, float)):  # a commit
        return str(value)[: len(like.text)]
    decimals = len(like.text.partition(".")[2])
    comma = "," if "," in like.text else ""
    text = f"{100 * value if like.percent else value:{comma}.{decimals}f}"
    return re.sub(r"^(-?)0\.", r"\1.", text) if re.match(r"-?\.", like.text) else text


def texts(root: Path) -> list[str]:
    """Return the files whose lines may have figures."""
    docs = sorted(each.relative_to(root).as_posix() for each in (root / "docs").glob("*.md"))
    return ["README.md", *(each for each in docs if each != PAGE)]


def lines(root: Path, file: str) -> Iterator[Line]:
    """Yield the lines of a text outside code blocks."""
    section, code = "", False
    for number, text in enumerate((root / file).read_text(encoding="utf-8").splitlines(), 1):
        if text.startswith("```"):
            code = not code
        elif not code:
            heading = re.match(r"##? (.+)", text)
            section = heading[1].strip() if heading else section
            comment = COMMENT.search(text)
            names, said = named(comment[1].split()) if comment else (None, ())
            yield Line(number, text, section in COVERED.get(file, ()), names, said)


def named(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the names of a comment in full, and what it says of machines; see Line."""
    names: list[str] = []
    said = []
    for word in words:
        machine, equals, part = word.partition("=")
        if equals:
            said.append((machine, part))
        else:
            before = names[-1].rpartition(".")[0] if names and word.startswith(".") else ""
            names.append(f"{before}{word}")
    return tuple(names), tuple(said)


def used(root: Path) -> set[str]:
    """Return all figures that the texts name."""
    named = (each.names or () for file in texts(root) for each in lines(root, file))
    return {name for names in named for name in names if not NUMBER.fullmatch(name)}


def faults_of(line: Line, figures: Figures) -> Iterator[str]:
    """Yield what is wrong with a line."""
    numbers = tokens(line.text)
    shown = " ".join(each.text for each in numbers)
    if line.names is None:
        if line.covered and numbers:
            yield f"expected a comment that names the figures {shown}, found none"
        return
    if len(numbers) != len(line.names):
        yield f"expected names of {len(numbers)} numbers ({shown}), found {len(line.names)}"
        return
    for machine, word in line.said:
        has = figures.runs.get(machine.removesuffix(".machine"), {}).get("machine", "")
        if word not in has or word not in line.text[: line.text.index("<!--")]:
            yield f"expected {word} in the line and in {machine}, which is {has!r}"
    for token, name in zip(numbers, line.names, strict=True):
        if NUMBER.fullmatch(name):
            if "." in name or token.aside:
                yield f"expected the name of a figure for {token.text}, found {name}"
            elif name != token.text:
                yield f"expected {name}, as its comment says, found {token.text}"
        elif (value := figures.value(name)) is None:
            yield f"expected {name} in {FILE}, found none; collect it"
        elif (wanted := spelled(value, token)) != token.text:
            yield f"expected {wanted} ({name}), found {token.text}"


def rewritten(line: Line, figures: Figures) -> str:
    """Return the text of a line with its figures as they are; as it is where they are not known."""
    numbers, text = tokens(line.text), line.text
    if line.names is None or len(numbers) != len(line.names):
        return text
    for token, name in reversed(list(zip(numbers, line.names, strict=True))):
        if not NUMBER.fullmatch(name) and (value := figures.value(name)) is not None:
            end = token.start + len(token.text)
            text = f"{text[: token.start]}{spelled(value, token)}{text[end:]}"
    return text


def check(root: Path = ROOT) -> None:
    """Compare texts and file.

    Raises:
        FigureError: they differ, a number is not named, or a figure is not used.
    """
    figures = Figures.read(root)
    faults = list(figures.faults())
    for file in texts(root):
        for line in lines(root, file):
            faults += [f"{file}:{line.number}: {each}" for each in faults_of(line, figures)]
    for file, sections in COVERED.items():
        headings = re.findall(r"^##? (.+)$", (root / file).read_text(encoding="utf-8"), re.M)
        for section in sorted(sections.difference(headings)):
            faults.append(f"{file}: expected the section {section}, found none; see COVERED")
    wanted = used(root)
    faults += [
        f"{FILE}: {name}.{place}: expected a text that names it, found none"
        for name, run in figures.runs.items()
        for place in run["values"]
        if f"{name}.{place}" not in wanted
    ]
    if (root / PAGE).read_text(encoding="utf-8") != page(figures):
        faults.append(f"{PAGE}: expected what {FILE} says, found something else")
    if faults:
        raise FigureError("\n".join([*faults, "what differs is mended by: docs/figures.py write"]))


def write(root: Path = ROOT) -> None:
    """Rewrite the numbers of the texts and the page, and drop the figures that no text uses.

    Raises:
        FigureError: afterwards, for what cannot be mended so.
    """
    Figures.read(root).save(root)
    figures = Figures.read(root)
    for file in texts(root):
        content = (root / file).read_text(encoding="utf-8").splitlines()
        before = list(content)
        for line in lines(root, file):
            content[line.number - 1] = rewritten(line, figures)
        if content != before:
            (root / file).write_text("\n".join(content) + "\n", encoding="utf-8")
    (root / PAGE).write_text(page(figures), encoding="utf-8")
    check(root)


def collect(sources: Mapping[str, Path], root: Path = ROOT) -> None:
    """Take over what the texts use of files of results, in place of what was known of those runs.

    Args:
        sources: name of a run -> its file.
        root: of the checkout.

    Raises:
        FigureError: a file does not say where it comes from, comes from a source that was changed
            since its commit, or lacks a figure that a text names; then nothing is written.
    """
    wanted, faults = used(root), []
    runs = dict(Figures.read(root).runs)
    for name, file in sources.items():
        places = sorted(each.partition(".")[2] for each in wanted if each.startswith(f"{name}."))
        try:
            runs[name] = entry(json.loads(file.read_text(encoding="utf-8")), places)
        except (OSError, ValueError, FigureError) as error:
            faults.append(f"{file}: {error}")
        if not places:
            faults.append(f"{file}: expected a text that names figures of {name}, found none")
    if faults:
        raise FigureError("\n".join(faults))
    Figures(runs).save(root)


def page(figures: Figures) -> str:
    """Return docs/figures.md: every run with its figures, and how to measure it again."""
    parts = [PREFACE]
    for name, run in figures.runs.items():
        parts += ["", f"## {name}", "", "```bash", run["command"], "```", ""]
        parts.append(f"Commit `{run['commit'][:7]}`, {run['date']}, {run['machine']}.")
        if "by_hand" in run:
            parts.append(f"Typed in by hand: {run['by_hand']}.")
        candidates = run.get("candidates", {})
        parts += ["", "| candidate | commit | |", "|---|---|---|"] if candidates else []
        for candidate, each in candidates.items():
            parts.append(f"| {candidate} | `{each['commit'][:7]}` | `{each['command']}` |")
        if run["values"]:
            parts += ["", "| figure | |", "|---|---|"]
            parts += [f"| `{place}` | {value:.6g} |" for place, value in run["values"].items()]
    return "\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("check", help="fail where a text and the file differ")
    commands.add_parser("write", help="rewrite the numbers of the texts")
    collecting = commands.add_parser("collect", help="take over files of results")
    collecting.add_argument("sources", nargs="+", type=source, metavar="RUN=FILE")
    given = parser.parse_args(arguments)
    try:
        if given.command == "collect":
            collect(dict(given.sources))
        else:
            {"check": check, "write": write}[given.command]()
    except (FigureError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def source(text: str) -> tuple[str, Path]:
    """Parse RUN=FILE."""
    name, equals, file = text.partition("=")
    if not equals or not re.fullmatch(r"[a-z]\w*", name):
        raise argparse.ArgumentTypeError(f"expected RUN=FILE, such as davis=results.json: {text}")
    return name, Path(file)


if __name__ == "__main__":
    sys.exit(main())
