"""A fresh Python process with other environment variables, that measures on request."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

_SCRIPT = Path(__file__).with_name("_worker.py")
_ILLEGAL_INSTRUCTION = {-getattr(signal, "SIGILL", 4), 0xC000001D, -1073741795}


class WorkerError(RuntimeError):
    """The process crashed, did not start or took too long; the message says which."""


class Worker:
    """A process that answers questions about its BLAS; see ``_worker.py``.

    Parameters
    ----------
    variables : dict
        Environment variables to set beside those of this process; None unsets one.
    """

    def __init__(self, variables: dict[str, str | None]) -> None:
        environment = {**os.environ, **variables}
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        try:
            # -P: the directory of the script is no place to import from
            self._process = subprocess.Popen(
                [sys.executable or "python", "-P", "-W", "ignore", str(_SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                encoding="utf-8",
                env={name: value for name, value in environment.items() if value is not None},
            )
        except OSError as error:
            self._errors.close()
            raise WorkerError(f"could not be started: {error}") from error

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def ask(self, timeout: float, **request: object) -> Any:  # noqa: ANN401 - as the request
        """Return the answer to a request; raises WorkerError."""
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            self._process.kill()

        timer = threading.Timer(timeout, expire)
        timer.start()
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:  # a pipe to a process that has ended
            line = ""
        finally:
            timer.cancel()
        if not line.endswith("\n"):
            self._process.wait()
            raise WorkerError(
                f"took more than {timeout:.0f} s" if expired.is_set() else self._why()
            )
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):  # it has ended
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def _why(self) -> str:
        status = self._process.returncode
        if status in _ILLEGAL_INSTRUCTION:
            return "crashes: illegal instruction"
        if status < 0:
            return f"crashes: signal {-status}"
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return f"fails: {lines[-1]}" if lines else f"ends with status {status}"
