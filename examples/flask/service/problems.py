"""Error answers as application/problem+json (RFC 9457)."""

import json
from http import HTTPStatus
from typing import Mapping, Optional

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from .json_log import logger


class Problem(Exception):
    """Raised anywhere in a request; becomes its answer. The detail is safe to show to anybody."""

    def __init__(self, status: int, detail: str, headers: Optional[Mapping[str, str]] = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}


def problem_response(problem: Problem) -> Response:
    """The answer, which no cache may keep."""
    title = HTTPStatus(problem.status).phrase
    body = {"type": "about:blank", "title": title, "status": problem.status, "detail": problem.detail}
    response = Response(f"{json.dumps(body)}\n", problem.status, content_type="application/problem+json")
    response.headers.extend(dict(problem.headers))
    response.headers["Cache-Control"] = "no-store"
    return response


def answer_with_problems(app: Flask) -> None:
    """Whatever goes wrong in a request of this app is answered as a problem, without a trace of the code."""
    app.register_error_handler(Problem, problem_response)

    @app.errorhandler(HTTPException)
    def of_flask(error: HTTPException) -> Response:
        allow = {"Allow": ", ".join(sorted(error.valid_methods))} if getattr(error, "valid_methods", None) else {}
        details = {404: "there is nothing at this path; see /openapi.json", 405: f"use {allow.get('Allow', 'GET')}"}
        status = error.code or 500
        return problem_response(Problem(status, details.get(status, "the request can't be answered"), allow))

    @app.errorhandler(Exception)
    def of_ours(_error: Exception) -> Response:
        logger.error("route failed", exc_info=True)
        return problem_response(Problem(500, "the request failed; look for its id in the log"))
