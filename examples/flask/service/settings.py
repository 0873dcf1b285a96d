"""The environment variables of the service, read once. Every problem is reported, not only the first."""

import re
from dataclasses import dataclass
from typing import Mapping, Optional
from urllib.parse import urlsplit

LOG_LEVELS = ("debug", "info", "warn", "error")
MAX_SHUTDOWN_MS = 120_000
MAX_SHOWN_CHARS = 80

# What /env may show: a list of names that may be shown, so that a variable nobody thought of stays hidden.
PLAIN = ("PORT", "HOST", "ENVIRONMENT", "GREETING", "LOG_LEVEL", "SHUTDOWN_DELAY_MS", "SHUTDOWN_TIMEOUT_MS", "AWS_REGION")
# Of these only whether they are set.
HIDDEN = ("APP_SECRET", "APP_SECRET_PREVIOUS", "ECS_CONTAINER_METADATA_URI_V4")


@dataclass(frozen=True)
class Settings:
    """Typed values; times are in milliseconds."""

    host: str
    port: int
    environment: str
    greeting: str
    secret: Optional[str]
    previous_secret: Optional[str]
    redis_url: Optional[str]
    metadata_uri: Optional[str]
    shutdown_delay_ms: int
    shutdown_timeout_ms: int
    log_level: str
    published: Mapping[str, str]


class SettingsError(Exception):
    """Carries one sentence for each variable that can't be used."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class _Reader:
    """An empty variable counts as unset: task definitions often pass empty strings."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.problems: list[str] = []

    def raw(self, name: str) -> Optional[str]:
        return self._variables.get(name) or None

    def reject(self, name: str, value: str, allowed: str) -> None:
        shown = value if len(value) <= MAX_SHOWN_CHARS else f"{value[:MAX_SHOWN_CHARS]}…"
        self.problems.append(f'{name}="{shown}" can\'t be used: set it to {allowed}, or leave it out for the default')

    def number(self, name: str, fallback: int, most: int) -> int:
        value = self.raw(name)
        if value is None:
            return fallback
        if re.fullmatch(r"\d{1,9}", value, re.ASCII) and int(value) <= most:
            return int(value)
        self.reject(name, value, f"a whole number from 0 to {most}")
        return fallback

    def text(self, name: str, fallback: str, pattern: str, allowed: str) -> str:
        value = self.raw(name)
        if value is None or re.fullmatch(pattern, value, re.ASCII | re.DOTALL):
            return value or fallback
        self.reject(name, value, allowed)
        return fallback

    def address(self, name: str, schemes: tuple[str, ...], allowed: str, hidden: bool) -> Optional[str]:
        value = self.raw(name)
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme in schemes and parts.hostname:
            return value.rstrip("/")
        self.reject(name, "(hidden)" if hidden else value, allowed)
        return None


def read_settings(variables: Mapping[str, str]) -> Settings:
    """Raises SettingsError with every problem."""
    read = _Reader(variables)
    environment_words = "up to 64 letters, digits, - and _, starting with a letter or digit"
    settings = Settings(
        host=read.text("HOST", "0.0.0.0", r"[A-Za-z0-9.:_-]{1,253}", "an IP address or a host name"),
        port=read.number("PORT", 5000, 65_535),
        environment=read.text("ENVIRONMENT", "local", r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", environment_words),
        greeting=read.text("GREETING", "Hello from Flask", r".{1,200}", "at most 200 characters"),
        secret=read.raw("APP_SECRET"),
        previous_secret=read.raw("APP_SECRET_PREVIOUS"),
        redis_url=read.address(
            "REDIS_URL", ("redis", "rediss"), "redis://HOST:PORT, or rediss://HOST:PORT with TLS", hidden=True
        ),
        metadata_uri=read.address("ECS_CONTAINER_METADATA_URI_V4", ("http", "https"), "an http URL", hidden=False),
        shutdown_delay_ms=read.number("SHUTDOWN_DELAY_MS", 5_000, MAX_SHUTDOWN_MS),
        shutdown_timeout_ms=read.number("SHUTDOWN_TIMEOUT_MS", 20_000, MAX_SHUTDOWN_MS),
        log_level=read.text("LOG_LEVEL", "info", "|".join(LOG_LEVELS), f"one of {', '.join(LOG_LEVELS)}"),
        published=_publish(variables),
    )
    if read.problems:
        raise SettingsError(sorted(read.problems))
    return settings


def _publish(variables: Mapping[str, str]) -> Mapping[str, str]:
    shown = {name: variables[name] for name in PLAIN if variables.get(name)}
    shown.update({name: "(set)" for name in HIDDEN if variables.get(name)})
    if variables.get("REDIS_URL"):
        # Without user, password and query.
        parts = urlsplit(variables["REDIS_URL"])
        place = parts.netloc.rpartition("@")[2]
        shown["REDIS_URL"] = f"{parts.scheme}://{place}{parts.path}"
    return shown
