"""A real browser without a window, for the tests of pages."""

from __future__ import annotations

import functools
import http.server
import json
import queue
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT_S = 120

# The page is in a frame: a browser's own window has a least width.
OUTER = """<!doctype html><meta charset="utf-8"><script>
addEventListener("message", (each) => fetch("/found", { method: "POST", body: each.data }));
</script><iframe src="/page" width="WIDTH" height="900" frameborder="0"></iframe>"""
INNER = """<script>addEventListener("load", () => {
  const dom = document.documentElement.outerHTML;
  const tell = (found, failure) => parent.postMessage(JSON.stringify([dom, found, failure]), "*");
  const probe = async () => { PROBE };
  probe().then((found) => tell(found, null), (error) => tell({}, `${error}`));
});</script></body>"""


@functools.cache
def find_chromium() -> str | None:
    """The browser's path; None where none is installed that starts (some are mere stubs)."""
    for path in map(shutil.which, NAMES):
        if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            return path
    return None


@dataclass(frozen=True)
class Visit:
    """A page as the browser rendered it.

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
    text = page.read_text(encoding="utf-8")
    assert text.count("</body>") == 1
    text = text.replace("</body>", INNER.replace("PROBE", probe))
    pages = {"/": OUTER.replace("WIDTH", str(width)), "/page": text}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "log"
        command = [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *(f"--user-data-dir={folder}/profile", "--enable-logging=stderr", "--no-first-run"),
            *("--disable-extensions", "--disable-background-networking", "--disable-sync"),
            *("--no-proxy-server", f"--window-size={width + 100},1000"),
            *(("--blink-settings=preferredColorScheme=0",) if dark else ()),
        ]
        with _served(pages) as (address, answers), log.open("w") as stderr:
            running = subprocess.Popen([*command, address], stdout=stderr, stderr=stderr)
            try:
                dom, found, failure = json.loads(answers.get(timeout=TIMEOUT_S))
            finally:
                running.terminate()
                running.wait(timeout=30)
        said = log.read_text(encoding="utf-8", errors="replace")
    assert failure is None, failure
    return Visit(dom, found, re.findall(r"^.*\bCONSOLE\b.*$", said, re.MULTILINE))


@contextmanager
def _served(pages: dict[str, str]) -> Iterator[tuple[str, queue.Queue[str]]]:
    """The address of a server of these pages, and what is posted to it."""
    answers: queue.Queue[str] = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(pages.get(self.path))

        def do_POST(self) -> None:
            answers.put(self.rfile.read(int(self.headers["Content-Length"])).decode("utf-8"))
            self._answer("")

        def _answer(self, text: str | None) -> None:
            self.send_response(204 if text is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((text or "").encode("utf-8"))

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", answers
        finally:
            server.shutdown()
