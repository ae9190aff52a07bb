"""Traces: FastAPI makes a span of each request, which goes to a collector by OTLP over HTTP.

OpenTelemetry's own variables choose where to and how much: https://opentelemetry.io/docs/specs/otel/protocol/exporter/.
Without an endpoint nothing of it is imported.
"""

import os
from importlib.metadata import PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any, Final

from service.version import own_version

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from opentelemetry.sdk.trace import TracerProvider

_EXPORTER: Final = "opentelemetry-exporter-otlp-proto-http"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
# Paths hold user ids, queries hold titles, and a client may write anything into the head of a request.
_MAY_BE_TOLD: Final = frozenset({"http.request.method", "network.protocol.version", "url.scheme"})
_PROBES: Final = ("/health/live", "/health/ready", "/metrics")


def traces_fault() -> str | None:
    """Say why no traces are sent although the environment names where to; None where nothing is wrong."""
    endpoint = _first_of(_ENDPOINTS)
    if endpoint is None:
        return None
    name, url = endpoint
    if not url.startswith(("http://", "https://")):
        return f"{name} should be a URL with http:// or https://, not {url!r}"
    protocol_name, protocol = _first_of(_PROTOCOLS) or ("", "http/protobuf")
    if protocol != "http/protobuf":
        return f"{protocol_name} should be http/protobuf, not {protocol!r}; port 4318 of most collectors takes it"
    try:
        distribution(_EXPORTER)
    except PackageNotFoundError:
        return f"{name} is set, and {_EXPORTER} is not installed; install osusume[otel]"
    return None


def make_tracer_provider() -> "TracerProvider | None":
    """Make what sends the spans of this process; None where the environment names no place, or it cannot be used."""
    if _first_of(_ENDPOINTS) is None or traces_fault() is not None:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    class Redaction(SpanProcessor):
        """Overwrites whatever FastAPI says of a request that may hold what is nobody else's business."""

        def on_start(self, span: Any, parent_context: Any = None) -> None:
            del parent_context
            span.set_attributes(dict.fromkeys(set(span.attributes) - _MAY_BE_TOLD, "REDACTED"))

    resource = Resource.create(
        {"service.name": "osusume", "service.version": own_version(), "process.pid": os.getpid()}
    )
    # Variables that name it otherwise win.
    provider = TracerProvider(resource=resource.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(Redaction())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def telemetry_config(provider: "TracerProvider | None") -> "TelemetryConfig":
    """Choose what FastAPI tells: a span per request but for probes, and nothing where there is no provider."""
    return {
        "tracing": provider is not None,
        "tracer_provider": provider,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": lambda scope: scope["type"] != "http" or scope["path"].endswith(_PROBES),
    }


def _first_of(names: tuple[str, ...]) -> tuple[str, str] | None:
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    return next(((name, os.environ[name]) for name in names if os.environ.get(name)), None)
