"""A collector of traces: a real server on this machine that reads OTLP as its specification says, and keeps it."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(kw_only=True)
class Collector:
    """Answers with the next of `statuses`, 200 when there is none."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    reject: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/traces"

    @property
    def spans(self) -> list[Span]:
        """All spans that it took, in the order they came."""
        return [span for each in self.requests for r in each.resource_spans for s in r.scope_spans for span in s.spans]

    def trace(self, transaction_id: str) -> dict[str, Span]:
        """The spans of one payment by name."""
        root = next(span for span in self.spans if said(span).get("yuanlu.transaction.id") == transaction_id)
        return {span.name: span for span in self.spans if span.trace_id == root.trace_id}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in lines}
        body = gzip.decompress(await reader.readexactly(int(headers["content-length"])))
        status = self.statuses.pop(0) if self.statuses else 200
        answer = b""
        if status == 200:
            assert head.startswith("POST /v1/traces ")
            assert headers["content-type"] == "application/x-protobuf"
            self.headers.append(headers)
            self.raw.append(body)
            self.requests.append(ExportTraceServiceRequest.FromString(body))
            response = ExportTraceServiceResponse()
            response.partial_success.rejected_spans = self.reject
            answer = response.SerializeToString()
        writer.write(f"HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {len(answer)}\r\n\r\n".encode())
        writer.write(answer)
        writer.close()


def said(span: Span) -> dict[str, str | int]:
    """Its attributes."""
    return {
        each.key: each.value.string_value if each.value.HasField("string_value") else each.value.int_value
        for each in span.attributes
    }


@asynccontextmanager
async def collecting(*statuses: int) -> AsyncIterator[Collector]:
    """Up while the block runs."""
    collector = Collector(statuses=list(statuses))
    server = await asyncio.start_server(collector.serve, "127.0.0.1", 0)
    collector.port = server.sockets[0].getsockname()[1]
    try:
        yield collector
    finally:
        server.close()
