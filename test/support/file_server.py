"""A web server for tests: files from memory, with what real ones do and what goes wrong."""

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
    """What it serves and what it was asked.

    Attributes:
        files: content by path, "/" first.
        stated: digest that it states for a path, from where it redirects to the file.
        cut_bytes: how much it sends of a body before it breaks the connection, one entry for each
            request; afterwards it sends all.
        status: what it answers instead, one entry for each request; 0: the file.
        asked: path and Range header of each request.
    """

    address: str
    files: dict[str, bytes] = field(default_factory=dict)
    stated: dict[str, str] = field(default_factory=dict)
    cut_bytes: list[int] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def file_server() -> Iterator[FileServer]:
    """A server on this machine until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
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
    state.asked.append((path, request.headers.get("Range")))
    if (status := state.status.pop(0) if state.status else 0) or path not in state.files:
        request.send_error(status or 404)
        return
    body = state.files[path]
    if path in state.stated:  # as Hugging Face does
        request.send_response(302)
        request.send_header("X-Linked-Etag", f'"{state.stated[path]}"')
        request.send_header("X-Linked-Size", str(len(body)))
        request.send_header("Location", f"/elsewhere{path}")
        request.end_headers()
        state.files[f"/elsewhere{path}"] = body
        return
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
    same = request.headers.get("If-Range", etag) == etag
    start = int(wanted[1]) if wanted and same else 0
    if start and start >= len(body):
        request.send_error(416)
        return
    request.send_response(206 if start else 200)
    if start:
        request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
    request.send_header("Content-Length", str(len(body) - start))
    request.send_header("ETag", etag)
    request.end_headers()
    end = start + state.cut_bytes.pop(0) if state.cut_bytes else len(body)
    request.wfile.write(body[start:end])
