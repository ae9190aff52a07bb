"""Probes and metrics."""

from typing import Any

from fastapi import APIRouter, Request, Response

from service.api.answers import HealthAnswer
from service.api.dependencies import model_of, readiness_of, refuse_query
from service.api.direct import DirectRoute
from service.api.documented import documented
from service.api.rendering import json_response
from service.operations.metrics import CONTENT_TYPE, Metrics
from service.recommending.errors import NotReadyError

router = APIRouter(tags=["health"], route_class=DirectRoute)
metrics_router = APIRouter(tags=["health"], route_class=DirectRoute)


@router.get("/health/live", **documented(HealthAnswer, "isLive"))
async def live(request: Request) -> Response:
    """Say that the process runs, whether or not it has a model."""
    refuse_query(request)
    model = readiness_of(request).model_if_ready()
    return json_response({"status": "live", "model_version": model.version if model else None})


@router.get("/health/ready", **documented(HealthAnswer, "isReady", NotReadyError))
async def ready(request: Request) -> Response:
    """Say that the model is loaded, checked, and reproduces its golden answers."""
    refuse_query(request)
    return json_response({"status": "ready", "model_version": model_of(request).version})


def _documented_metrics() -> dict[str, Any]:
    described = documented(HealthAnswer, "getMetrics")
    content = {"text/plain": {"schema": {"type": "string"}}}
    described["responses"][200] = {"description": "Prometheus text format", "content": content}
    return {**described, "response_model": None, "response_class": Response}


@metrics_router.get("/metrics", **_documented_metrics())
async def get_metrics(request: Request) -> Response:
    """Give request counts, latencies and the model's version to Prometheus."""
    refuse_query(request)
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.exposition(), media_type=CONTENT_TYPE)
