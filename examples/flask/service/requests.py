"""What surrounds every route: identifiers, limits, log and metrics."""

import re
import time
import uuid
from typing import Mapping, Optional

from flask import Flask, Response, g, request

from .json_log import log
from .metrics import Metrics
from .problems import Problem

MAX_BODY_BYTES = 64 * 1024
# Of a body that is too large; a client that sends more is cut off.
MAX_DISCARDED_BYTES = 1024 * 1024
MAX_LOGGED_PATH_CHARS = 256
SAFE_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
# W3C Trace Context, version 00 and what comes after it.
TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)")
TRACE_ROOT = re.compile(r"(?:^|;)\s*Root=([^;]+)")
# The load balancer's and Prometheus's questions are no load, and are logged at debug.
PROBES = frozenset(("/healthz", "/readyz", "/metrics"))


def identify_request(headers: Mapping[str, str]) -> tuple[str, str]:
    """Request and trace id: those of the load balancer or the caller where they look like identifiers, else new."""
    root = TRACE_ROOT.search(headers.get("X-Amzn-Trace-Id", ""))
    amazon = _safe(root.group(1)) if root else None
    parent = TRACE_PARENT.match(headers.get("Traceparent", ""))
    fresh = uuid.uuid4().hex
    request_id = amazon or _safe(headers.get("X-Request-Id", "")) or fresh
    return request_id, (parent.group(1) if parent else None) or amazon or fresh


def _safe(text: str) -> Optional[str]:
    return text if SAFE_ID.fullmatch(text) else None


def read_body() -> bytes:
    """The body of the request, however it is sent; never more than the limit is kept."""
    body = request.stream.read(MAX_BODY_BYTES + 1)
    if len(body) <= MAX_BODY_BYTES:
        return body
    # What is left unread makes gunicorn hang up on the client's next request.
    left = MAX_DISCARDED_BYTES
    while left > 0 and (chunk := request.stream.read(MAX_BODY_BYTES)):
        left -= len(chunk)
    raise Problem(413, f"a body may have {MAX_BODY_BYTES} bytes; send less")


def surround_requests(app: Flask, metrics: Metrics) -> None:
    """Counts, logs and names each request of this app."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id, g.trace_id = identify_request(request.headers)
        metrics.in_flight.inc()
        g.body = read_body()

    @app.after_request
    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        metrics.in_flight.dec()
        rule = request.url_rule
        route = rule.rule.replace("<any_text:key>", "{key}") if rule else "unmatched"
        metrics.count(request.method, route, response.status_code, seconds)
        log(
            "debug" if route in PROBES else "info",
            "request",
            method=request.method,
            path=request.path[:MAX_LOGGED_PATH_CHARS],
            status=response.status_code,
            durationMs=round(seconds * 1000, 3),
            requestId=g.request_id,
            traceId=g.trace_id,
        )
        response.headers["X-Request-Id"] = g.request_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
