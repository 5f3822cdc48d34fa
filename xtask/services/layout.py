"""Where everything is: folders, ports, and which servers make up an instance."""

import json
import socket
import zlib
from dataclasses import dataclass
from pathlib import Path

# In the order in which they start; each with what kind of readiness it has: a path that HTTP
# answers, a port that takes connections ("tcp"), or none (a daemon that serves nobody).
SWIFT = {
    "memcached": "tcp",
    "account": "/healthcheck",
    "container": "/healthcheck",
    "object": "/healthcheck",
    "updater": None,  # brings what a container server missed into its listings
    "proxy": "/healthcheck",
}
# The second proxy serves the same files to who comes with a token of Keystone. All Keystones share
# one database and differ in how long their tokens live; every proxy asks the one of `plain` about them.
KEYSTONE = {"keystone": "/v3", "keystone-proxy": "/healthcheck"}
SERVERS = SWIFT | KEYSTONE

PORTS_EACH = 10
DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Instance:
    """A Swift of its own, with its own limits."""

    name: str
    number: int
    region: str
    replicas: int
    token_seconds: int
    page: int  # names in one page of a listing
    max_object: int  # bytes of one object
    updater_seconds: int  # from one round of the updater to the next, for each of which it forks
    servers: dict[str, str | None]


INSTANCES = {
    instance.name: instance
    for instance in (
        # As Swift comes.
        Instance("plain", 0, "RegionOne", 1, DAY, 10_000, 5 * 2**30 + 2, 30, SERVERS),
        # Everything that is rare elsewhere happens all the time here.
        Instance("harsh", 1, "RegionTwo", 3, 4, 50, 2**20, 30, SERVERS),
        # Its servers are killed while others are tested on those above.
        Instance("faulty", 2, "", 1, DAY, 10_000, 2**20, 1, SWIFT),
    )
}


def every(kind: dict[str, str | None] = SERVERS) -> list[tuple[Instance, str]]:
    """All servers of a kind, in the order in which they start."""
    return [
        (instance, server)
        for instance in INSTANCES.values()
        for server in instance.servers
        if server in kind
    ]


class Layout:
    """The state folder."""

    def __init__(self, state: Path):
        self.state = state.resolve()
        self.environment = self.state / "env.json"
        self.keystone = self.state / "keystone"
        # Of the sources by which the files of all instances were written.
        self.fingerprint = self.state / "fingerprint"

    def home(self, instance: Instance) -> Path:
        return self.state / instance.name

    def etc(self, instance: Instance) -> Path:
        return self.home(instance) / "etc"

    def data(self, instance: Instance) -> Path:
        """What clients stored: one folder below it for each replica."""
        return self.home(instance) / "data"

    def run(self, instance: Instance) -> Path:
        """Pids, and what servers write for each other."""
        return self.home(instance) / "run"

    def log(self, instance: Instance, server: str) -> Path:
        return self.home(instance) / "log" / f"{server}.log"

    def port(self, instance: Instance, server: str) -> int:
        base = json.loads((self.state / "ports.json").read_text())
        return base + instance.number * PORTS_EACH + list(SERVERS).index(server)

    def choose_ports(self) -> None:
        """Finds a row of free ports, and keeps to it."""
        recorded = self.state / "ports.json"
        needed = len(INSTANCES) * PORTS_EACH
        # Below what systems hand out for outgoing connections; it differs from one state folder
        # to the next, so that two of them can start at once.
        first = zlib.crc32(str(self.state).encode())
        rows = 12_000 // needed
        bases = [20_000 + (first + step) % rows * needed for step in range(rows)]
        if recorded.exists():
            bases.insert(0, json.loads(recorded.read_text()))
        for base in bases:
            if all(is_free(port) for port in range(base, base + needed)):
                recorded.write_text(json.dumps(base))
                return
        raise SystemExit("no row of free ports on 127.0.0.1 between 20000 and 32000")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: what only waits for a closed connection's end is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
