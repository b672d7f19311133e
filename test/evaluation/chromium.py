"""A real browser without a window, for the tests of pages."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOAD_MS = 4000


def find_chromium() -> str | None:
    """The browser's path; None where none is installed."""
    return next((path for each in NAMES if (path := shutil.which(each))), None)


@dataclass(frozen=True)
class Visit:
    """What a page became in the browser.

    Attributes:
        dom: the document as HTML, after its scripts ran.
        probe: what the probe returned.
        console: the lines on the browser's console, errors of scripts among them.
    """

    dom: str
    probe: dict[str, Any]
    console: list[str]


def visit(page: Path, probe: str, *, width: int = 1280, dark: bool = False) -> Visit:
    """Open a page, and run a probe in it.

    Args:
        page: an HTML file.
        probe: body of an asynchronous JavaScript function that returns what JSON can hold.
        width: of the page's window, in pixels.
        dark: whether the reader prefers dark pages.
    """
    browser = find_chromium()
    assert browser is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        outer = _framed(page, probe, width, Path(folder))
        command = [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *(f"--user-data-dir={folder}/profile", "--enable-logging=stderr", "--no-first-run"),
            *("--disable-extensions", "--disable-background-networking", "--disable-sync"),
            *(f"--window-size={width + 100},1000", f"--virtual-time-budget={LOAD_MS}"),
            *(("--blink-settings=preferredColorScheme=0",) if dark else ()),
            *("--dump-dom", outer.as_uri()),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    console = re.findall(r"^.*\bCONSOLE\b.*$", done.stderr, re.MULTILINE)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found is not None
    assert found.group(1), f"the probe has not ended: {console}"
    dom, returned = json.loads(html.unescape(found.group(1)))
    return Visit(dom, returned, console)


def _framed(page: Path, probe: str, width: int, folder: Path) -> Path:
    """A page with the page in a frame: a browser's own window has a least width."""
    text = page.read_text(encoding="utf-8")
    assert text.count("</body>") == 1
    script = f"""<script>
    const dom = document.documentElement.outerHTML;
    (async () => {{ {probe} }})().then(
      (found) => parent.postMessage(JSON.stringify([dom, found]), "*"),
      (error) => console.error("probe: " + error));
    </script>"""
    (folder / "page.html").write_text(text.replace("</body>", f"{script}</body>"), "utf-8")
    outer = folder / "outer.html"
    outer.write_text(
        f"""<!doctype html><meta charset="utf-8"><pre id="found"></pre><script>
        addEventListener("message", (each) => {{
          document.getElementById("found").textContent = each.data;
        }});
        </script><iframe src="page.html" width="{width}" height="900" frameborder="0"></iframe>""",
        encoding="utf-8",
    )
    return outer
