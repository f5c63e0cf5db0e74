"""Spans as OTLP: one `ExportTraceServiceRequest`, to be sent by HTTP in protobuf.

Source: OTLP specification 1.x; field names and numbers come from `opentelemetry-proto`.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from yuanlu.traces.spans import Span

CONTENT_TYPE = "application/x-protobuf"
SERVICE = "yuanlu"


def encoded(spans: Sequence[Span], mode: str) -> bytes:
    """The request's body; `mode` is the key store's, sandbox or production."""
    number = version(SERVICE)
    named = {"service.name": SERVICE, "service.version": number, "deployment.environment.name": mode}
    scope = trace_pb2.ScopeSpans(
        scope=InstrumentationScope(name=f"{SERVICE}.traces", version=number), spans=[_span(each) for each in spans]
    )
    whole = trace_pb2.ResourceSpans(resource=Resource(attributes=_attributes(named)), scope_spans=[scope])
    body: bytes = ExportTraceServiceRequest(resource_spans=[whole]).SerializeToString()
    return body


def rejected(body: bytes) -> tuple[int, str]:
    """How many spans a receiver that took the request refused, and why. ValueError when the body is no answer."""
    try:
        said = ExportTraceServiceResponse.FromString(body).partial_success
    except Exception as error:  # protobuf's own error is a different one in each of its implementations
        raise ValueError(f"no OTLP answer: {type(error).__name__}") from None
    return said.rejected_spans, said.error_message


def _span(one: Span) -> trace_pb2.Span:
    error = trace_pb2.Status(code=trace_pb2.Status.STATUS_CODE_ERROR, message=one.error)
    return trace_pb2.Span(
        trace_id=one.trace_id, span_id=one.span_id, parent_span_id=one.parent_id, name=one.name,
        kind=trace_pb2.Span.SpanKind.ValueType(int(one.kind)), start_time_unix_nano=one.start_us * 1000,
        end_time_unix_nano=one.end_us * 1000, attributes=_attributes(one.attributes),
        events=[
            trace_pb2.Span.Event(
                name=each.name, time_unix_nano=each.at_us * 1000, attributes=_attributes(each.attributes)
            )
            for each in one.events
        ],
        links=[trace_pb2.Span.Link(trace_id=one.link[0], span_id=one.link[1])] if one.link else [],
        status=error if one.error else None,
    )  # fmt: skip


def _attributes(named: Mapping[str, str | int]) -> list[KeyValue]:
    return [
        KeyValue(key=key, value=AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value))
        for key, value in named.items()
    ]
