"""Servers on loopback that stand in for providers: HTTP with scripted answers, and a mail server."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Provider:
    """An HTTP server: gives the next scripted answer, keeps every request. While it is not `free`, answers wait."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[tuple[int, bytes]] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.silent = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def says(self, status: int, body: bytes = b"") -> None:
        """The next answer."""
        self.answers.append((status, body))


@contextmanager
def provider() -> Iterator[Provider]:
    """One that runs until the end of the block."""
    at = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            at.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            at.free.wait(10)
            if at.silent.is_set():
                self.close_connection = True
                return
            status, content = at.answers.pop(0) if at.answers else (200, b"")
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with _served(HTTPServer(("127.0.0.1", 0), Handler)) as port:
        at.url = f"http://127.0.0.1:{port}"
        yield at


class Post:
    """A mail server: refuses what it is told to, keeps every letter."""

    def __init__(self) -> None:
        self.port = 0
        self.refuses: dict[str, bytes] = {}
        self.letters: list[bytes] = []


@contextmanager
def mail_server() -> Iterator[Post]:
    """One that runs until the end of the block; just enough of SMTP."""
    at = Post()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 ready\r\n")
            while line := self.rfile.readline():
                word = line[:4].upper().strip().decode()
                refusal = at.refuses.get(word)
                if refusal is not None:
                    self.wfile.write(refusal + b"\r\n")
                elif word == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    at.letters.append(self._letter())
                    self.wfile.write(b"250 taken\r\n")
                elif word == "QUIT":
                    self.wfile.write(b"221 bye\r\n")
                    return
                else:
                    self.wfile.write(b"250 yes\r\n")

        def _letter(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line)
            return b"".join(lines)

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        at.port = port
        yield at


@contextmanager
def _served(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
