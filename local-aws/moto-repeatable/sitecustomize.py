"""
Makes the control plane repeatable: Python loads this file before moto (PYTHONPATH, set by moto-process.ts).

The gateway numbers every changing call and journals it. Replayed with the same number and time, a call has to
make the same identifiers. moto can be seeded, but only as a whole: a read on another thread would draw from the
same generator. Here each numbered request has a generator and a clock of its own; all other requests are as ever.
What moto makes by itself when a service is used for the first time (the default VPC, AWS's managed policies)
depends on service, account and region only, whoever comes first.

Not covered: keys that the cryptography library makes (EC2 key pairs, asymmetric KMS keys).
"""

import base64
import datetime
import gc
import io
import json
import os
import random
import sys
import threading
from urllib.parse import unquote

SEED_HEADER = "HTTP_X_TOWPATH_SEED"
TIME_HEADER = "HTTP_X_TOWPATH_TIME"
# Many calls in one request: a replay is twice as fast without their connections and threads.
REPLAY_PATH = "/moto-api/towpath-replay"


class RequestState(threading.local):
    """What a numbered request works with; None outside of one."""

    generator = None
    # Another one for what comes from the operating system, so that neither disturbs the other.
    system_generator = None
    now = None
    fallback = None


STATE = RequestState()


def current_generator():
    if STATE.generator is not None:
        return STATE.generator
    if STATE.fallback is None:
        STATE.fallback = random.Random()
    return STATE.fallback


def seed_moto_random():
    from moto.moto_api._internal.moto_random import MotoRandom

    MotoRandom.random = lambda self: current_generator().random()
    MotoRandom.getrandbits = lambda self, bits: current_generator().getrandbits(bits)


def seed_system_random():
    """Upload ids, key material and uuid.uuid4() come from the operating system."""
    system_random = os.urandom

    def urandom(size):
        generator = STATE.system_generator
        return system_random(size) if generator is None else generator.randbytes(size)

    os.urandom = urandom


def give_requests_their_time():
    import moto.core.utils as utils

    system_now = utils.utcnow

    def utcnow():
        return system_now() if STATE.now is None else STATE.now

    for module in list(sys.modules.values()):
        if getattr(module, "utcnow", None) is system_now:
            module.utcnow = utcnow


def in_force(generator, system_generator, work):
    """Runs work with these generators, then puts those from before back."""
    outer = STATE.generator, STATE.system_generator
    STATE.generator, STATE.system_generator = generator, system_generator
    try:
        return work()
    finally:
        STATE.generator, STATE.system_generator = outer


def seed_first_use_of_a_service():
    from moto.core.base_backend import AccountSpecificBackend, BackendDict

    get_backend = AccountSpecificBackend.__getitem__

    def get_or_create(self, region):
        if region in self.keys():
            return get_backend(self, region)
        name = f"{self.service_name}/{self.account_id}/{region}"
        generators = random.Random(name), random.Random(f"system/{name}")
        return in_force(*generators, lambda: get_backend(self, region))

    AccountSpecificBackend.__getitem__ = get_or_create

    # Both draw an id for themselves when they are made, which may be in the middle of a call.
    for container in (AccountSpecificBackend, BackendDict):
        leave_out(container)


def leave_out(container):
    make = container.__init__

    def make_aside(self, *args, **kwargs):
        in_force(None, None, lambda: make(self, *args, **kwargs))

    container.__init__ = make_aside


def number_requests():
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication

    answer = DomainDispatcherApplication.__call__

    def answer_numbered(self, environ, start_response):
        if environ.get("PATH_INFO") == REPLAY_PATH:
            return replay(lambda call, start: answer_numbered(self, call, start), environ, start_response)
        seed = environ.get(SEED_HEADER)
        if seed is None:
            return answer(self, environ, start_response)

        def start(status, headers, *rest):
            # Tells the gateway that this file is in force.
            return start_response(status, [*headers, ("x-towpath-seed", seed)], *rest)

        # Imports the service if need be: what its modules draw must not count as drawn by the call.
        application = self.get_application(environ)
        milliseconds = int(environ.get(TIME_HEADER, "0"))
        STATE.now = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=milliseconds)
        generators = random.Random(int(seed)), random.Random(f"system/{seed}")
        try:
            return in_force(*generators, lambda: application(environ, start))
        finally:
            STATE.now = None

    DomainDispatcherApplication.__call__ = answer_numbered


def replay(answer, environ, start_response):
    """Takes calls as JSON and makes them one after the other; gives back status and, of failures, the body."""
    calls = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    content = json.dumps([make_call(answer, environ, call) for call in calls]).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
    return [content]


def make_call(answer, environ, call):
    statuses = []

    def start(status, headers, *rest):
        statuses.append(int(status.split(" ", 1)[0]))

    try:
        parts = answer(environ_of_call(environ, call), start)
        content = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
    except Exception as error:  # One call must not cost the rest.
        return {"status": 500, "text": repr(error)}
    return {"status": statuses[-1], "text": content.decode(errors="replace") if statuses[-1] >= 400 else ""}


def environ_of_call(environ, call):
    """What werkzeug's server makes of a request (its make_environ), with the rest as in the request at hand."""
    body = base64.b64decode(call["body"])
    path, _, query = call["url"].partition("?")
    made = {name: value for name, value in environ.items() if not name.startswith(("HTTP_", "CONTENT_"))}
    made.update(
        {
            "wsgi.input": io.BytesIO(body),
            "REQUEST_METHOD": call["method"],
            "PATH_INFO": unquote(path).encode().decode("latin1"),
            "QUERY_STRING": query.encode().decode("latin1"),
            "REQUEST_URI": call["url"].encode().decode("latin1"),
            "RAW_URI": call["url"].encode().decode("latin1"),
        }
    )
    made.pop("werkzeug.request", None)
    headers = call["headers"]
    for name, value in zip(headers[::2], headers[1::2], strict=True):
        key = name.upper().replace("-", "_")
        if key != "CONTENT_TYPE":
            key = f"HTTP_{key}"
            if key in made:
                value = f"{made[key]},{value}"
        made[key] = value
    # Calls from inside the embedded AWS are journaled without one.
    made.setdefault("HTTP_HOST", f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}")
    if body or call["method"] in ("POST", "PUT"):
        made["CONTENT_LENGTH"] = str(len(body))
    return made


def collect_garbage_rarely():
    """A replay makes much that stays: looking through it again and again takes a fifth of the time."""
    gc.set_threshold(100_000, 50, 100)


def make_repeatable():
    collect_garbage_rarely()
    seed_moto_random()
    seed_system_random()
    give_requests_their_time()
    seed_first_use_of_a_service()
    number_requests()


# Other Python programs that inherit the variable (the launcher of a version manager) are left alone.
if os.path.basename(sys.argv[0] if getattr(sys, "argv", None) else "").startswith("moto_server"):
    make_repeatable()
