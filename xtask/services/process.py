"""One server as a process: started, found again by its recorded pid, killed."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
import socket
from pathlib import Path

PATIENCE_SECONDS = 60


class Process:
    """A server that may run; who it is stands in a file, with the time at which it started."""

    def __init__(self, name: str, record: Path, log: Path):
        self.name = name
        self.record = record
        self.log = log

    def pid(self) -> int | None:
        """The process's id, while it is still the one that was started here."""
        try:
            pid, started = self.record.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if start_time(int(pid)) == started else None

    def start(self, argv: list[str], environment: dict[str, str]) -> None:
        with open(self.log, "ab") as log:
            child = subprocess.Popen(
                argv,
                env=clean_environment() | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A group of its own: killed whole, and not by the Ctrl-C of a terminal.
                start_new_session=True,
            )
        self.record.write_text(f"{child.pid} {start_time(child.pid)}")

    def kill(self) -> None:
        """Kills it without a warning, as a machine that loses its power does."""
        if pid := self.pid():
            # Gone meanwhile, maybe.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while self.pid():
                if time.monotonic() > deadline:
                    raise SystemExit(f"process {pid} ({self.name}) does not die")
                time.sleep(0.01)
        self.record.unlink(missing_ok=True)

    def wait_until_ready(self, port: int, readiness: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers(port, readiness):
            if not self.pid() or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace").splitlines()[-15:]
                raise SystemExit("\n  ".join([f"{self.name} did not start ({self.log}):", *tail]))
            time.sleep(0.05)


def clean_environment() -> dict[str, str]:
    """Without the proxies, OS_ variables and Python paths of whoever starts the servers."""
    return {"PATH": os.environ.get("PATH", os.defpath)}


def start_time(pid: int) -> str | None:
    """What a later process of the same id would not share; none for one that is gone or a zombie."""
    try:
        # The name, in parentheses, may hold blanks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


def answers(port: int, readiness: str) -> bool:
    try:
        if readiness == "tcp":
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
            return True
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{port}{readiness}", timeout=5) as answer:
            return answer.status < 400
    except OSError:
        return False
