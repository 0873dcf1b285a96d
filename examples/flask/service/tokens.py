"""Signed tokens (RFC 7519, HMAC-SHA256), with the same keys as the reference service: each takes the other's.

Rotation without a rejected token, in three deployments: the new value becomes APP_SECRET_PREVIOUS, then the two are
swapped, then the old value is removed.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timezone
from typing import Any, Optional, Union

ISSUER = "towpath-app"
MAX_TOKEN_CHARS = 4_096
# Clocks of two tasks may differ by so much.
CLOCK_SKEW_SECONDS = 5


class _Key:
    def __init__(self, secret: str) -> None:
        self.digest = hmac.digest(secret.encode(), b"towpath token signing key", "sha256")
        self.id = hmac.digest(self.digest, b"key id", "sha256").hex()[:8]

    def sign(self, text: str) -> bytes:
        return hmac.digest(self.digest, text.encode(), "sha256")


class TokenSigner:
    """The current secret signs and is accepted, the previous one is accepted only."""

    def __init__(self, current: str, previous: Optional[str]) -> None:
        self._current = _Key(current)
        keys = [self._current] if previous is None else [self._current, _Key(previous)]
        self._by_id = {key.id: key for key in keys}

    @property
    def key_ids(self) -> str:
        return " ".join(self._by_id)

    def issue(self, subject: str, ttl_seconds: int, now: float) -> dict[str, str]:
        expires = int(now) + ttl_seconds
        head = _encode({"alg": "HS256", "typ": "JWT", "kid": self._current.id})
        claims = _encode({"iss": ISSUER, "sub": subject, "iat": int(now), "exp": expires})
        signature = _encode_bytes(self._current.sign(f"{head}.{claims}"))
        return {
            "token": f"{head}.{claims}.{signature}",
            "keyId": self._current.id,
            "expiresAt": _timestamp(expires),
        }

    def validate(self, token: str, now: float) -> Union[dict[str, Any], str]:
        """The facts of a good token, or why it is none. The signature is looked at before any claim."""
        if len(token) > MAX_TOKEN_CHARS:
            return f"the token is longer than {MAX_TOKEN_CHARS} characters"
        parts = token.split(".")
        header = _decode(parts[0]) if len(parts) == 3 else None
        if header is None:
            return "this is not a JSON Web Token"
        # The algorithm is ours to choose; a token that names another is a known attack.
        if header.get("alg") != "HS256":
            return "the token must be signed with HS256"
        key = self._by_id.get(str(header.get("kid")))
        if key is None:
            return "the token is signed with a key that is not accepted (any more)"
        given = _decode_bytes(parts[2])
        if given is None or not hmac.compare_digest(given, key.sign(f"{parts[0]}.{parts[1]}")):
            return "the signature does not match"
        return _judge_claims(_decode(parts[1]) or {}, key.id, now)


def _judge_claims(claims: dict[str, Any], key_id: str, now: float) -> Union[dict[str, Any], str]:
    subject, issued, expires = claims.get("sub"), claims.get("iat"), claims.get("exp")
    whole = isinstance(issued, int) and isinstance(expires, int)
    if claims.get("iss") != ISSUER or not isinstance(subject, str) or not whole:
        return "the token lacks a claim"
    if now >= expires + CLOCK_SKEW_SECONDS:
        return "the token has expired"
    if now < issued - CLOCK_SKEW_SECONDS:
        return "the token is from the future"
    return {"valid": True, "subject": subject, "keyId": key_id, "expiresAt": _timestamp(expires)}


def _timestamp(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.000Z"


def _encode(value: dict[str, Any]) -> str:
    return _encode_bytes(json.dumps(value, separators=(",", ":")).encode())


def _encode_bytes(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode_bytes(text: str) -> Optional[bytes]:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None


def _decode(text: str) -> Optional[dict[str, Any]]:
    try:
        value = json.loads(_decode_bytes(text) or b"")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
