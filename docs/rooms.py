"""The rooms of the package, which may import which, and a picture of them.

Run as ``python docs/rooms.py`` it draws docs/rooms.svg from the imports in the source.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "motion_seg_ros"
PICTURE = ROOT / "docs" / "rooms.svg"

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "camera", "threads", "judgement"),
    ("types", "jobs"),
    ("weights",),
    ("networks",),
    ("window", "outputs", "settings"),
    ("geometry",),
    ("flow",),
    ("tracking", "depth", "features"),
    ("labelling", "masks", "io"),
    ("pipeline", "plan"),
    ("streaming",),
    ("build",),
    ("ros",),
    ("lab", "lab.synthetic", "lab.jobs", "lab.track_samples"),
    ("lab.evaluation", "lab.clips"),
    ("lab.training", "lab.benchmark"),
    ("cli",),
)
"""Rooms from the bottom up: a room imports from the lines above its own. A room is a module or
folder right below the package, or right below `lab`."""

ROS_SUFFIXES = ("_msgs", "_srvs", "_interfaces")
ROS_NAMES = frozenset(
    {
        "cv_bridge",
        "diagnostic_updater",
        "image_transport",
        "launch",
        "launch_ros",
        "message_filters",
        "rclpy",
        "rosbag2_py",
        "tf2_ros",
    }
)


def sources() -> dict[str, str]:
    """Return the source text of each hand-written module by its dotted name."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[1] == "msg":  # generated
            continue
        if parts[-1] == "__init__":
            parts = parts[:-1]
        found[".".join(parts)] = path.read_text(encoding="utf-8")
    return found


def room_of(module: str) -> str:
    """Return the room of a module: `motion_seg_ros.masks.base` -> `masks`; "" for the package."""
    _, *parts = module.split(".")
    return ".".join(parts[: 2 if parts[:1] == ["lab"] else 1])


def is_ros(module: str) -> bool:
    """Return whether a module exists only where ROS does."""
    top = module.split(".")[0]
    generated = module == f"{PACKAGE}.msg" or module.startswith(f"{PACKAGE}.msg.")
    return generated or top in ROS_NAMES or top.endswith(ROS_SUFFIXES)


def imports(module: str, source: str, known: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """Yield every module that a source imports anywhere, and whether at import time."""

    def visit(node: ast.AST, at_import: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            at_import = False
        if isinstance(node, ast.Import):
            yield from ((alias.name, at_import) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                own = module.split(".")[: len(module.split(".")) - node.level]
                base = ".".join([*own, base]).rstrip(".")
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield (name if name in known or is_ros(name) else base), at_import
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in {"import_module", "importlib.import_module", "__import__"}
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value), at_import
        inside = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            yield from visit(child, at_import and not inside)

    yield from visit(ast.parse(source), True)


def arrows(package: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return who imports whom, room by room, less what follows from the other arrows."""
    below: dict[str, set[str]] = {}
    for module, source in package.items():
        room = room_of(module)
        for name, _ in imports(module, source, package):
            other = room_of(name) if name in package else ""
            if room and other and other != room:
                below.setdefault(room, set()).add(other)

    def reach(room: str) -> set[str]:
        direct = below.get(room, set())
        return direct.union(*(reach(each) for each in direct))

    return {
        (room, other)
        for room, others in below.items()
        for other in others
        if not any(other in reach(each) for each in others - {other})
    }


# The picture. Sizes in pixels; the laboratory stands beside the runtime.
WIDTH, LAB_WIDTH, ROW, GAP, MARGIN = 1250, 440, 86, 26, 14
STYLE = """
text { font: 12px sans-serif; fill: #24292f } .name { font: bold 13px monospace }
rect { fill: #f6f8fa; stroke: #57606a } .lab { fill: #fff8e6; stroke: #9a6700 }
.frame { fill: none; stroke: #9a6700; stroke-dasharray: 6 4 }
path { fill: none; stroke: #8c959f } svg { background: #ffffff }
"""
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#8c959f"/></marker></defs>'
)

Box = tuple[float, float, float, float]  # x, y of the top left corner, width, height


def in_lab(room: str) -> bool:
    """Return whether a room is of the laboratory."""
    return room.split(".")[0] == "lab"


def boxes() -> dict[str, Box]:
    """Place the rooms: cli at the top, errors at the bottom, lab at the right."""
    placed: dict[str, Box] = {}
    for lab, left, width in ((False, 0, WIDTH - LAB_WIDTH), (True, WIDTH - LAB_WIDTH, LAB_WIDTH)):
        layers = [layer for layer in reversed(LAYERS) if in_lab(layer[-1]) == lab]
        for row, layer in enumerate(layers, start=int(lab)):
            place_row(placed, [each for each in layer if each != "lab"], row, left, width)
    bottom = max(box[1] for room, box in placed.items() if in_lab(room)) + ROW
    x = WIDTH - LAB_WIDTH + MARGIN / 2
    placed["lab"] = (x, MARGIN, LAB_WIDTH - MARGIN, bottom)
    return placed


def place_row(
    placed: dict[str, Box], rooms: list[str], row: int, left: float, width: float
) -> None:
    """Place the rooms of one row side by side in the middle of a column."""
    space = width - 2 * MARGIN - MARGIN * (len(rooms) - 1)
    each = min(250.0, space / len(rooms))
    start = left + (width - each * len(rooms) - MARGIN * (len(rooms) - 1)) / 2
    for column, room in enumerate(rooms):
        placed[room] = (start + column * (each + MARGIN), MARGIN + row * (ROW + GAP), each, ROW)


def picture() -> str:
    """Return the rooms and the arrows between them as SVG."""
    package = sources()
    placed = boxes()
    height = max(y + h for _, y, _, h in placed.values()) + MARGIN
    x, y, width, tall = placed.pop("lab")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}">',
        f"<style>{STYLE}</style>{TIP}",
        f'<rect class="frame" x="{x:g}" y="{y:g}" width="{width:g}" height="{tall:g}"/>',
        f'<text class="name" x="{x + 8:g}" y="{y + 17:g}">lab/</text>',
    ]
    for upper, lower in sorted(arrows(package)):
        if lower in placed and upper in placed and in_lab(upper) == in_lab(lower):
            parts.append(arrow(placed[upper], placed[lower]))
    # The laboratory uses the whole runtime, and some commands use the laboratory.
    for room, start, end in (
        ("cli", right_of(placed["cli"]), x),
        ("build", x, right_of(placed["build"])),
    ):
        level = placed[room][1] + ROW / 2
        parts.append(f'<path d="M{start:.0f} {level:.0f}H{end:.0f}" marker-end="url(#tip)"/>')
    for room, box in placed.items():
        parts += drawn(room, purpose(package[f"{PACKAGE}.{room}"]), box)
    return "\n".join([*parts, "</svg>", ""])


def right_of(box: Box) -> float:
    """Return the x of a box's right side."""
    return box[0] + box[2]


def purpose(source: str) -> str:
    """Return the first sentence of a module's docstring."""
    text = " ".join((ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0].split())
    return text.split(". ")[0].rstrip(".")


def arrow(upper: Box, lower: Box) -> str:
    """Return an arrow from the bottom of one box to the top of a lower one, or to its side."""
    x1, y1 = upper[0] + upper[2] / 2, upper[1] + upper[3]
    x2, y2 = lower[0] + lower[2] / 2, lower[1]
    bend = (y2 - y1) / 2
    path = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} {x2:.0f} {y2:.0f}"
    return f'<path d="{path}" marker-end="url(#tip)"/>'


def drawn(room: str, text: str, box: Box) -> Iterator[str]:
    """Yield the box of a room with its name and purpose."""
    x, y, width, height = box
    style = ' class="lab"' if in_lab(room) else ""
    yield f'<rect{style} x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height}" rx="6"/>'
    folder = (ROOT / PACKAGE / room.replace(".", "/")).is_dir()
    name = room.rpartition(".")[2] + ("/" if folder else ".py")
    yield f'<text class="name" x="{x + 8:.0f}" y="{y + 20:.0f}">{escape(name)}</text>'
    for line, words in enumerate(textwrap.wrap(text, int((width - 14) / 6.6))[:4]):
        yield f'<text x="{x + 8:.0f}" y="{y + 37 + 14 * line:.0f}">{escape(words)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
    print(PICTURE)
