"""Which task this is, from the ECS metadata endpoint (version 4). Unknown parts stay None; nothing here raises."""

import json
import re
import urllib.request
from dataclasses import dataclass
from typing import Any, Optional

METADATA_TIMEOUT_SECONDS = 2
SHORT_DIGEST_CHARS = 12
BYTES_PER_MIB = 1_048_576
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class TaskIdentity:
    """None where it is not known, as outside ECS."""

    task: Optional[str] = None
    zone: Optional[str] = None
    image_digest: Optional[str] = None
    memory_limit_bytes: Optional[int] = None

    @property
    def release(self) -> Optional[str]:
        """The first digits of the digest, as people compare them."""
        return self.image_digest and self.image_digest.removeprefix("sha256:")[:SHORT_DIGEST_CHARS]


def memory_limit_of(part: dict) -> Optional[int]:
    """Of a container or of the task; the endpoint has it in MiB."""
    limits = part.get("Limits")
    mebibytes = limits.get("Memory") if isinstance(limits, dict) else None
    return mebibytes * BYTES_PER_MIB if isinstance(mebibytes, int) and mebibytes > 0 else None


def parse_task_metadata(document: Any, metadata_uri: str) -> TaskIdentity:
    """Picks our own container: the one whose id ends the metadata URI, else the first of the task definition."""
    if not isinstance(document, dict):
        return TaskIdentity()
    containers = [one for one in document.get("Containers") or [] if isinstance(one, dict)]
    own_id = metadata_uri.rpartition("/")[2]
    named = [one for one in containers if one.get("DockerId") == own_id]
    normal = [one for one in containers if one.get("Type", "NORMAL") == "NORMAL"]
    own = next(iter(named + normal), {})
    digest = DIGEST.search(str(own.get("Image"))) or DIGEST.search(str(own.get("ImageID")))
    arn = document.get("TaskARN")
    return TaskIdentity(
        task=arn.rpartition("/")[2] if isinstance(arn, str) else None,
        zone=document.get("AvailabilityZone"),
        image_digest=digest and digest.group(),
        memory_limit_bytes=memory_limit_of(own) or memory_limit_of(document),
    )


def load_task_identity(metadata_uri: Optional[str]) -> tuple[TaskIdentity, Optional[str]]:
    """Asks once; what went wrong is the second value."""
    if metadata_uri is None:
        return TaskIdentity(), None
    url = f"{metadata_uri}/task"
    try:
        with urllib.request.urlopen(url, timeout=METADATA_TIMEOUT_SECONDS) as answer:
            return parse_task_metadata(json.load(answer), metadata_uri), None
    except (OSError, ValueError) as error:
        return TaskIdentity(), f"{url}: {error}"
