"""gunicorn's threaded worker, with problem documents for what never reaches the app: requests that are no good HTTP."""

from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from .json_log import log, logger
from .problems import Problem, problem_response

TOO_LARGE = (errors.LimitRequestHeaders, errors.LimitRequestLine)


def judge_error(error: Exception) -> Problem:
    """Nothing of the request is repeated: it comes from anybody."""
    if isinstance(error, TOO_LARGE):
        return Problem(431, "the headers are too large; send fewer or shorter ones")
    # Versions differ in whether they know this one.
    if type(error).__name__ == "ExpectationFailed":
        return Problem(417, "the only expectation that can be met is 100-continue")
    if isinstance(error, errors.ParseException):
        return Problem(400, "this is not a valid HTTP request")
    return Problem(500, "the request failed; look for it in the log")


class ProblemWorker(ThreadWorker):
    """Takes the place of gunicorn's pages of HTML."""

    def handle_error(self, req, client, addr, exc):
        problem = judge_error(exc)
        if problem.status == 500:
            logger.error("request failed", exc_info=exc)
        else:
            log("warn", "malformed request", status=problem.status, code=type(exc).__name__)
        response = problem_response(problem)
        response.headers["Connection"] = "close"
        response.headers["Content-Length"] = str(len(response.get_data()))
        head = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
        message = f"HTTP/1.1 {response.status}\r\n{head}\r\n".encode("latin-1") + response.get_data()
        try:
            util.write_nonblock(client, message)
        except OSError:
            # The client has gone; nobody is left to tell.
            log("debug", "no answer to a malformed request", status=problem.status)
