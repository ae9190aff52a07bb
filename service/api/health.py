"""Probes and metrics."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response

from service.api.answers import HealthAnswer
from service.api.params import NO_QUERY, CheckedRoute, Model, Ready
from service.api.problems import responses
from service.api.rendering import json_response
from service.operations.metrics import CONTENT_TYPE, Metrics
from service.recommending.errors import NotReadyError

router = APIRouter(tags=["health"], dependencies=[NO_QUERY], route_class=CheckedRoute)
metrics_router = APIRouter(tags=["health"], dependencies=[NO_QUERY], route_class=CheckedRoute)

_METRICS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Prometheus text format",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}


@router.get("/health/live", operation_id="isLive", response_model=HealthAnswer, responses=responses(is_open=True))
async def live(readiness: Ready) -> Response:
    """Say that the process runs, whether or not it has a model."""
    model = readiness.model_if_ready()
    return json_response({"status": "live", "model_version": model.version if model else None})


@router.get(
    "/health/ready",
    operation_id="isReady",
    response_model=HealthAnswer,
    responses=responses(NotReadyError, is_open=True),
)
async def ready(model: Model) -> Response:
    """Say that the model is loaded, checked, and reproduces its golden answers."""
    return json_response({"status": "ready", "model_version": model.version})


@metrics_router.get("/metrics", operation_id="getMetrics", response_class=Response, responses=_METRICS | responses())
async def get_metrics(request: Request) -> Response:
    """Give request counts, latencies and the model's version to Prometheus."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.exposition(), media_type=CONTENT_TYPE)
