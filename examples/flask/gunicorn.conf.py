"""How gunicorn serves the app: one worker, whose memory all requests share, and a shutdown that loses no request.

On SIGTERM readiness fails first and connections are closed one by one, while requests are served as ever; after
SHUTDOWN_DELAY_MS gunicorn stops as usual, and requests in flight have SHUTDOWN_TIMEOUT_MS. A second SIGTERM ends it at
once. Exit code 78: the configuration is wrong.
"""

import contextlib
import math
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from gunicorn.glogging import Logger  # noqa: E402

from service import VERSION  # noqa: E402
from service.json_log import log, start_logging  # noqa: E402
from service.settings import SettingsError, read_settings  # noqa: E402
from service.tokens import TokenSigner  # noqa: E402

EXIT_CONFIG = 78
MS_PER_SECOND = 1000
# How long the kernel keeps a connection on which nothing is said.
SILENT_SECONDS = 60

try:
    settings = read_settings(os.environ)
except SettingsError as error:
    start_logging("info", ())
    for problem in error.problems:
        log("error", problem)
    sys.exit(EXIT_CONFIG)

secrets = [value for value in (settings.secret, settings.previous_secret, settings.redis_url) if value]
start_logging(settings.log_level, secrets)


class ServerLog(Logger):
    """gunicorn's own lines go the way of all others."""

    def setup(self, cfg):
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


wsgi_app = "service.wsgi:app"
bind = f"{settings.host}:{settings.port}"
worker_class = "service.problem_worker.ProblemWorker"
workers = 1
threads = int(os.environ.get("THREADS") or 4)
# Longer than the 60 s of an ALB, so that the load balancer and never the service closes an idle connection.
keepalive = 65
graceful_timeout = math.ceil(settings.shutdown_timeout_ms / MS_PER_SECOND)
# One header may take what all together may take in the reference service.
limit_request_field_size = 16 * 1024
loglevel = "warning"
logger_class = ServerLog
# Newer versions open a socket for their control program; nothing here needs it.
control_socket_disable = True


def when_ready(server):
    """Takes SIGTERM over from gunicorn, which would stop at once, and keeps silent connections from its threads."""
    if hasattr(socket, "TCP_DEFER_ACCEPT"):
        for listener in server.LISTENERS:
            # A load balancer opens connections that it may use later; each would hold one of the few threads.
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_SECONDS)
    host, port = server.LISTENERS[0].sock.getsockname()[:2]
    keys = None if settings.secret is None else TokenSigner(settings.secret, settings.previous_secret).key_ids
    log(
        "info",
        "listening",
        host=host,
        port=port,
        environment=settings.environment,
        version=VERSION,
        secretPresent=settings.secret is not None,
        signingKeys=keys,
    )
    stop = signal.getsignal(signal.SIGTERM)

    def drain(_number, _frame):
        signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGQUIT))
        log("info", "draining", delayMs=settings.shutdown_delay_ms, timeoutMs=settings.shutdown_timeout_ms)
        for pid in list(server.WORKERS):
            # One that has just died is nothing to wait for.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGUSR2)
        signal.signal(signal.SIGALRM, finish)
        # Zero would switch the timer off.
        signal.setitimer(signal.ITIMER_REAL, max(settings.shutdown_delay_ms, 1) / MS_PER_SECOND)

    def finish(_number, _frame):
        signal.signal(signal.SIGTERM, stop)
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, drain)


def post_worker_init(worker):
    """The worker learns of the drain by a signal that gunicorn's workers have no use for."""
    service = worker.wsgi.extensions["service"]

    def drain(_number, _frame):
        service.start_draining()
        # Every answer closes its connection from now on.
        worker.cfg.set("keepalive", 0)

    # Both are the parent's handlers until here.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGUSR2, drain)
    service.become_ready()


def on_exit(_server):
    log("info", "stopped")
