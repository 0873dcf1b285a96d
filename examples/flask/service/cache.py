"""The cache: Redis while it answers, bounded memory of this process otherwise.

While Redis is away one call a second tries it, for half a second at most; no other call waits for it.
"""

import json
import threading
import time
from base64 import b64decode, b64encode
from collections import OrderedDict
from dataclasses import dataclass
from typing import Callable, Optional

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

MAX_ENTRIES = 1_000
MAX_BYTES = 8 * 1024 * 1024
# An answer that comes later than this is no help.
COMMAND_TIMEOUT_SECONDS = 0.5
RETRY_AFTER_SECONDS = 1.0


@dataclass(frozen=True)
class Entry:
    """A value and what it is."""

    content_type: str
    body: bytes


class MemoryCache:
    """Least recently used entries leave first."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._entries: OrderedDict[str, tuple[float, Entry]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Optional[Entry]:
        found = self._entries.get(key)
        if found is None:
            return None
        if found[0] <= self._now():
            self.remove(key)
            return None
        self._entries.move_to_end(key)
        return found[1]

    def put(self, key: str, entry: Entry, ttl_seconds: float) -> None:
        self.remove(key)
        self._entries[key] = (self._now() + ttl_seconds, entry)
        self.bytes += len(entry.body)
        while len(self._entries) > MAX_ENTRIES or self.bytes > MAX_BYTES:
            self.remove(next(iter(self._entries)))

    def remove(self, key: str) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self.bytes -= len(found[1].body)

    def rest(self, key: str) -> float:
        """Seconds that an entry still has to live."""
        found = self._entries.get(key)
        return 0.0 if found is None else found[0] - self._now()


class Cache:
    """`mode` is `memory` without Redis, `redis` with it, and `degraded` while it is away."""

    def __init__(self, redis_url: Optional[str], prefix: str, on_mode: Callable[[str, Optional[str]], None]) -> None:
        self._lock = threading.Lock()
        self._memory = MemoryCache()
        # Written or removed while Redis was away; told to it on its return.
        self._changed: set[str] = set()
        self._prefix = prefix
        self._on_mode = on_mode
        self._retry_at = 0.0
        self._client = None
        if redis_url is not None:
            self._client = redis.Redis.from_url(
                redis_url,
                socket_timeout=COMMAND_TIMEOUT_SECONDS,
                socket_connect_timeout=COMMAND_TIMEOUT_SECONDS,
                # Newer clients try again for seconds; memory is the better second try.
                retry=Retry(NoBackoff(), 0),
            )
        self.mode = "memory" if self._client is None else "degraded"
        self.hits = 0
        self.misses = 0
        self.failures = 0

    @property
    def entries(self) -> int:
        return len(self._memory)

    @property
    def bytes(self) -> int:
        return self._memory.bytes

    def get(self, key: str) -> Optional[Entry]:
        stored = self._ask(lambda client: client.get(self._prefix + key))
        with self._lock:
            if stored is _AWAY or (key in self._changed):
                entry = self._memory.get(key)
            else:
                entry = _decode(stored)
            if entry is None:
                self.misses += 1
            else:
                self.hits += 1
        return entry

    def put(self, key: str, entry: Entry, ttl_seconds: int) -> None:
        done = self._ask(lambda client: client.set(self._prefix + key, _encode(entry), ex=ttl_seconds))
        with self._lock:
            if done is _AWAY or self._client is None:
                self._memory.put(key, entry, ttl_seconds)
                self._note_change(key)
            else:
                self._changed.discard(key)

    def remove(self, key: str) -> None:
        done = self._ask(lambda client: client.delete(self._prefix + key))
        with self._lock:
            self._memory.remove(key)
            if done is _AWAY:
                self._note_change(key)
            else:
                self._changed.discard(key)

    def probe(self) -> None:
        """Finds out whether Redis is there, whoever asks first."""
        self._ask(lambda client: client.ping())

    def _note_change(self, key: str) -> None:
        if self._client is not None and len(self._changed) < MAX_ENTRIES:
            self._changed.add(key)

    def _ask(self, command: Callable[["redis.Redis"], object]) -> object:
        client = self._client
        if client is None or not self._may_ask():
            return _AWAY
        try:
            if self.mode == "degraded":
                self._tell_changes(client)
            answer = command(client)
        except (redis.RedisError, OSError) as error:
            self.failures += 1
            self._turn("degraded", type(error).__name__)
            return _AWAY
        self._turn("redis", None)
        return answer

    def _may_ask(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if self.mode == "degraded" and now < self._retry_at:
                return False
            self._retry_at = now + RETRY_AFTER_SECONDS
            return True

    def _tell_changes(self, client: "redis.Redis") -> None:
        """The last writer wins."""
        with self._lock:
            changed = list(self._changed)
        for key in changed:
            with self._lock:
                entry, rest = self._memory.get(key), self._memory.rest(key)
            if entry is None:
                client.delete(self._prefix + key)
            else:
                client.set(self._prefix + key, _encode(entry), ex=max(1, round(rest)))
            with self._lock:
                self._changed.discard(key)

    def _turn(self, mode: str, problem: Optional[str]) -> None:
        if mode != self.mode:
            self.mode = mode
            self._on_mode(mode, problem)


class _Away:
    """Redis did not answer, or there is none."""


_AWAY = _Away()


def _encode(entry: Entry) -> str:
    return json.dumps({"type": entry.content_type, "body": b64encode(entry.body).decode()})


def _decode(stored: object) -> Optional[Entry]:
    """Somebody else may have put something else there."""
    if not isinstance(stored, (bytes, str)):
        return None
    try:
        fields = json.loads(stored)
        return Entry(str(fields["type"]), b64decode(fields["body"]))
    except (ValueError, KeyError, TypeError):
        return None
