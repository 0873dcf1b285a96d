"""The routes of the contract. Each is a few lines; what they stand on is in the modules beside this one."""

import json
import re
import time
from pathlib import Path
from typing import Any, Optional

from flask import Blueprint, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from . import APPLICATION, VERSION
from .cache import Entry
from .problems import Problem

KEY = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
SUBJECT = re.compile(r"[A-Za-z0-9@._:-]{1,128}", re.ASCII)
BEARER = re.compile(r"Bearer +([A-Za-z0-9._~+/=-]+) *", re.ASCII | re.IGNORECASE)
OCTETS = "application/octet-stream"
# What a browser could run is not among them: anybody may store a value, and others look at it.
CACHED_TYPES = ("application/json", OCTETS, "text/plain")
MAX_TTL_SECONDS = 86_400
DEFAULT_TTL_SECONDS = 300
MAX_TOKEN_TTL_SECONDS = 3_600

DESCRIPTION = (Path(__file__).parent / "openapi.json").read_bytes()

routes = Blueprint("routes", __name__)


def answer(value: Any, status: int = 200) -> Response:
    """A JSON answer that no cache may keep."""
    response = Response(f"{json.dumps(value, separators=(',', ':'))}\n", status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def media_type(known: tuple[str, ...]) -> Optional[str]:
    """Of the body, if there is one; raises where it is none of `known`."""
    if not g.body:
        return None
    given = request.mimetype or OCTETS
    if given not in known:
        raise Problem(415, f"the body must be {' or '.join(known)}; say so in Content-Type")
    return given


def service() -> Any:
    return current_app.extensions["service"]


@routes.get("/", provide_automatic_options=False)
def home() -> Response:
    here = service()
    return answer(
        {
            "greeting": here.settings.greeting,
            "application": APPLICATION,
            "version": VERSION,
            "environment": here.settings.environment,
            "release": here.identity.release,
            "imageDigest": here.identity.image_digest,
            "task": here.identity.task,
            "zone": here.identity.zone,
            "secretPresent": here.settings.secret is not None,
            "phase": here.phase,
            "uptimeSeconds": here.uptime_seconds(),
        }
    )


@routes.get("/healthz", provide_automatic_options=False)
def healthz() -> Response:
    """Liveness: looks at nothing outside the process."""
    return answer({"status": "ok"})


@routes.get("/readyz", provide_automatic_options=False)
def readyz() -> Response:
    """Readiness: fails first on shutdown. A broken Redis does not count: the service goes on without it."""
    if service().phase != "ready":
        raise Problem(503, f"the service is {service().phase}; send requests to another task")
    return answer({"status": "ready"})


@routes.get("/version", provide_automatic_options=False)
def version() -> Response:
    here = service()
    return answer(
        {
            "application": APPLICATION,
            "version": VERSION,
            "environment": here.settings.environment,
            "release": here.identity.release,
            "imageDigest": here.identity.image_digest,
            "python": here.python,
        }
    )


@routes.get("/metrics", provide_automatic_options=False)
def metrics() -> Response:
    return Response(generate_latest(service().metrics.registry), content_type=CONTENT_TYPE_LATEST)


@routes.get("/env", provide_automatic_options=False)
def env() -> Response:
    return answer(service().settings.published)


@routes.get("/openapi.json", provide_automatic_options=False)
def openapi() -> Response:
    return Response(DESCRIPTION, content_type="application/json")


def checked(key: str) -> str:
    if not KEY.fullmatch(key):
        raise Problem(400, "a key has 1 to 128 letters, digits and . _ : -")
    return key


@routes.get("/cache/<any_text:key>", provide_automatic_options=False)
def cache_get(key: str) -> Response:
    cache = service().cache
    entry = cache.get(checked(key))
    if entry is None:
        raise Problem(404, "the cache has no such key; PUT it first")
    # Somebody else may have put another type into Redis.
    content_type = entry.content_type if entry.content_type in CACHED_TYPES else OCTETS
    response = Response(entry.body, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Cache"] = cache.mode
    return response


@routes.put("/cache/<any_text:key>", provide_automatic_options=False)
def cache_put(key: str) -> Response:
    checked(key)
    given = media_type(CACHED_TYPES) or OCTETS
    wanted = request.args.get("ttl")
    ttl = DEFAULT_TTL_SECONDS if wanted is None else _whole(wanted)
    if ttl is None or not 1 <= ttl <= MAX_TTL_SECONDS:
        raise Problem(400, f"the query needs ttl=N with a whole number from 1 to {MAX_TTL_SECONDS}")
    if given == "application/json":
        _parse_json(g.body)
    cache = service().cache
    cache.put(key, Entry(given, g.body), ttl)
    return answer({"key": key, "bytes": len(g.body), "ttlSeconds": ttl, "store": cache.mode})


@routes.delete("/cache/<any_text:key>", provide_automatic_options=False)
def cache_delete(key: str) -> Response:
    service().cache.remove(checked(key))
    return Response(status=204)


@routes.post("/token", provide_automatic_options=False)
def token() -> Response:
    media_type(("application/json",))
    tokens = _tokens()
    fields = _parse_json(g.body) if g.body else {}
    if not isinstance(fields, dict):
        raise Problem(400, "the body must be a JSON object")
    unknown = fields.keys() - {"subject", "ttlSeconds"}
    if unknown:
        raise Problem(400, f"the body has {len(unknown)} unknown fields; known are subject, ttlSeconds")
    subject = fields.get("subject", "anonymous")
    if not isinstance(subject, str) or not SUBJECT.fullmatch(subject):
        raise Problem(422, '"subject" must have 1 to 128 letters, digits and @ . _ : -')
    ttl = fields.get("ttlSeconds", DEFAULT_TTL_SECONDS)
    if type(ttl) is not int or not 1 <= ttl <= MAX_TOKEN_TTL_SECONDS:
        raise Problem(422, f'"ttlSeconds" must be a whole number from 1 to {MAX_TOKEN_TTL_SECONDS}')
    return answer(tokens.issue(subject, ttl, time.time()))


@routes.get("/token/validate", provide_automatic_options=False)
def token_validate() -> Response:
    tokens = _tokens()
    bearer = BEARER.fullmatch(request.headers.get("Authorization", ""))
    if bearer is None:
        raise Problem(401, 'send the token as "Authorization: Bearer TOKEN"', {"WWW-Authenticate": "Bearer"})
    verdict = tokens.validate(bearer.group(1), time.time())
    if isinstance(verdict, str):
        raise Problem(401, verdict, {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    return answer(verdict)


def _tokens() -> Any:
    tokens = service().tokens
    if tokens is None:
        raise Problem(503, "there is no secret to sign with; set app-secret and deploy")
    return tokens


def _whole(text: str) -> Optional[int]:
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else None


def _parse_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError) as error:
        raise Problem(400, "the body is not JSON") from error
