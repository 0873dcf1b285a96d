"""Puts the service together. The server around it, its signals and its exit codes are gunicorn.conf.py's business."""

import platform
import time

from flask import Flask
from werkzeug.routing import BaseConverter

from .cache import Cache
from .json_log import log
from .metrics import Metrics
from .problems import answer_with_problems
from .requests import surround_requests
from .routes import routes
from .settings import Settings
from .task_identity import load_task_identity
from .tokens import TokenSigner


class Service:
    """What the routes share; of secrets only what is made from them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.python = platform.python_version()
        self.phase = "starting"
        self._started = time.monotonic()
        self.identity, problem = load_task_identity(settings.metadata_uri)
        if problem is not None:
            log("warn", "task identity is not known", problem=problem)
        secret = settings.secret
        self.tokens = None if secret is None else TokenSigner(secret, settings.previous_secret)
        self.cache = Cache(
            settings.redis_url,
            # Environments may share a Redis; their keys must not meet.
            f"flask:{settings.environment}:cache:",
            lambda mode, problem: log("warn" if mode == "degraded" else "info", "cache", mode=mode, problem=problem),
        )
        self.cache.probe()
        self.metrics = Metrics(settings.environment, self.identity, self.cache, lambda: self.phase == "ready")

    def become_ready(self) -> None:
        self.phase = "ready"
        identity = self.identity
        log("info", "ready", task=identity.task, zone=identity.zone, imageDigest=identity.image_digest)

    def start_draining(self) -> None:
        self.phase = "draining"

    def uptime_seconds(self) -> int:
        return int(time.monotonic() - self._started)


class AnyText(BaseConverter):
    """A key with a slash or a line break in it, encoded or not, is a wrong key and not another address."""

    part_isolating = False
    regex = r"[\s\S]+"


def create_app(settings: Settings) -> Flask:
    """The app, which is not ready before `become_ready` of its service."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.converters["any_text"] = AnyText
    service = Service(settings)
    app.extensions["service"] = service
    surround_requests(app, service.metrics)
    answer_with_problems(app)
    app.register_blueprint(routes)
    return app
