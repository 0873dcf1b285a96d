"""Structured log: one JSON object a line on standard output, for CloudWatch filters such as { $.status >= 500 }."""

import json
import logging
import sys
from datetime import datetime, timezone
from typing import Any, Iterable

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
NAMES = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warn"}
# Shorter ones would blacken ordinary words, and are no secrets.
MIN_SECRET_CHARS = 4

logger = logging.getLogger("service")


class JsonFormatter(logging.Formatter):
    """Known secrets are taken out of every line, as a second line of defence: nobody passes them in."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        # Inside JSON they stand escaped.
        long_ones = [secret for secret in secrets if len(secret) >= MIN_SECRET_CHARS]
        self._hidden = [text for secret in long_ones for text in (secret, json.dumps(secret)[1:-1])]

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, timezone.utc)
        line: dict[str, Any] = {
            "time": f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z",
            "level": NAMES.get(record.levelno, "error"),
            "msg": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
        for secret in self._hidden:
            text = text.replace(secret, "[secret]")
        return text


def start_logging(level: str, secrets: Iterable[str]) -> None:
    """Everything goes one way: the service's lines and those of the server and the libraries."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(secrets))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logger.setLevel(LEVELS[level])


def log(level: str, message: str, **fields: Any) -> None:
    """Fields must be safe to publish; those without a value are left out."""
    shown = {name: value for name, value in fields.items() if value is not None}
    logger.log(LEVELS[level], message, extra={"fields": shown})
