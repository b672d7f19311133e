"""A web server for tests: files from memory, as plain servers and the Hugging Face Hub send them,
with broken connections and errors."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """Content of the server, and the requests it got.

    Attributes:
        files: content by path, "/" first.
        commits: for a file of the hub, the commit it belongs to, stated in a header.
        stated: digest that it states for a path, from where it redirects to the file.
        cut_bytes: bytes of a body that it sends before it breaks the connection, one entry for
            each GET; afterwards it sends all.
        status: answered instead of a file, one entry for each request; 0: the file.
        asked: path and Range header of each GET.
    """

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=dict)
    stated: dict[str, str] = field(default_factory=dict)
    cut_bytes: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def file_server() -> Iterator[FileServer]:
    """A server on this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers.get("Range")))
            answer(self, state)

        def do_HEAD(self) -> None:
            answer(self, state)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state = FileServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def answer(request: BaseHTTPRequestHandler, state: FileServer) -> None:
    path = request.path
    if (status := state.status.pop(0) if state.status else 0) or path not in state.files:
        request.send_error(status or 404)
        return
    body = state.files[path]
    commit = state.commits.get(path)
    if path in state.stated:  # as the hub does for large files
        request.send_response(302)
        if commit:
            request.send_header("X-Repo-Commit", commit)
        request.send_header("X-Linked-Etag", f'"{state.stated[path]}"')
        request.send_header("X-Linked-Size", str(len(body)))
        port = request.server.server_port  # type: ignore[attr-defined]
        request.send_header("Location", f"http://localhost:{port}/elsewhere{path}")
        request.end_headers()
        state.files[f"/elsewhere{path}"] = body
        return
    blob = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()  # as the hub states
    etag = f'"{blob if commit else hashlib.md5(body).hexdigest()}"'
    wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
    same = request.headers.get("If-Range", etag) == etag
    start = int(wanted[1]) if wanted and same else 0
    if start and start >= len(body):
        request.send_error(416)
        return
    request.send_response(206 if start else 200)
    if commit:
        request.send_header("X-Repo-Commit", commit)
    if start:
        request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
    request.send_header("Content-Length", str(len(body) - start))
    request.send_header("ETag", etag)
    request.end_headers()
    if request.command == "HEAD":
        return
    end = start + state.cut_bytes.pop(0) if state.cut_bytes else len(body)
    request.wfile.write(body[start:end])
