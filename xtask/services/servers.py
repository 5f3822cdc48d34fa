"""Real OpenStack Swift and Keystone servers on loopback, for tests.

    servers.py STATE up|down|status [swift] [keystone]
    servers.py STATE start|stop INSTANCE SERVER
    servers.py STATE lend [swift] [keystone]

`up` begins with empty stores, and writes STATE/env.json: how to reach everything. `stop` kills the server.
`lend` starts what is not up yet, prints the path of that file, and takes down what it started once its
standard input ends: also when whoever holds the other end was killed.
`cargo xtask services` makes the environment in which this runs, and calls it.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keystone_config
import swift_config
from layout import INSTANCES, KEYSTONE, SERVERS, SWIFT, Instance, Layout, every, is_free
from process import Process, clean_environment

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent


class Servers:
    """All servers below one state folder."""

    def __init__(self, layout: Layout):
        self.layout = layout

    def process(self, instance: Instance, server: str) -> Process:
        record = self.layout.run(instance) / f"{server}.pid"
        return Process(f"{instance.name}/{server}", record, self.layout.log(instance, server))

    def is_any_up(self) -> bool:
        return any(self.process(*each).pid() for each in every())

    def up(self, names: list[str]) -> None:
        with_keystone = not names or "keystone" in names
        sources, written = self.source_fingerprint(), self.layout.fingerprint
        if self.is_any_up() and not (written.exists() and written.read_text() == sources):
            print("the servers that are up are of other sources: they begin anew", file=sys.stderr)
            self.down([])
        if not self.is_any_up():
            self.layout.choose_ports()
            for instance in INSTANCES.values():
                swift_config.write(self.layout, instance)
                swift_config.build_rings(self.layout, instance)
                keystone_config.write(self.layout, instance)
            written.write_text(sources)
        if with_keystone:
            self.seed_keystone()
        wanted = every(SERVERS if with_keystone else SWIFT)
        for each in wanted:
            self.launch(*each)
        for each in wanted:
            self.wait(*each)
        self.write_environment()

    def down(self, names: list[str]) -> None:
        everything = not names or "swift" in names
        self.take_down(every(SERVERS if everything else KEYSTONE))

    def take_down(self, servers: list[tuple[Instance, str]]) -> None:
        failures = []
        for each in reversed(servers):
            try:
                self.process(*each).kill()
            # The others are killed all the same.
            except (OSError, SystemExit) as failure:
                failures.append(f"{self.process(*each).name}: {failure}")
        if self.is_any_up():
            self.write_environment()
        else:
            self.layout.environment.unlink(missing_ok=True)
            for instance in INSTANCES.values():
                shutil.rmtree(self.layout.data(instance), ignore_errors=True)
        if failures:
            raise SystemExit("\n".join(failures))

    def lend(self, names: list[str]) -> None:
        # Not of the terminal's group, whose Ctrl-C ends the borrower alone.
        os.setsid()
        with self.locked():
            before = [each for each in every() if self.process(*each).pid()]
        try:
            with self.locked():
                self.up(names)
            print(self.layout.environment, flush=True)
            sys.stdin.read()
        finally:
            with self.locked():
                self.take_down([each for each in every() if each not in before])

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds all other calls up."""
        with open(self.layout.state / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @staticmethod
    def source_fingerprint() -> str:
        """What differs where the servers would be set up otherwise than by these files."""
        sources = [*sorted(HERE.glob("*.py")), HERE / "requirements.txt"]
        return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()

    def status(self) -> None:
        for instance, server in every():
            process = self.process(instance, server)
            pid = process.pid()
            state = f"pid {pid}, port {self.layout.port(instance, server)}" if pid else "down"
            print(f"{process.name:<22} {state}")
        if self.is_any_up():
            print(f"SWIFT_SERVICES={self.layout.environment}")

    def start(self, instance: Instance, server: str) -> None:
        self.launch(instance, server)
        self.wait(instance, server)

    def stop(self, instance: Instance, server: str) -> None:
        self.process(instance, server).kill()

    def launch(self, instance: Instance, server: str) -> None:
        process = self.process(instance, server)
        if process.pid():
            return
        port = self.layout.port(instance, server)
        if SERVERS[server] and not is_free(port):
            raise SystemExit(f"port {port}, which is {process.name}'s, is taken by another program")
        process.start(*self.command(instance, server))

    def wait(self, instance: Instance, server: str) -> None:
        if readiness := SERVERS[server]:
            port = self.layout.port(instance, server)
            self.process(instance, server).wait_until_ready(port, readiness)

    def command(self, instance: Instance, server: str) -> tuple[list[str], dict[str, str]]:
        """The arguments and the environment of a server."""
        etc = self.layout.etc(instance)

        def swift(program: str, configuration: str) -> tuple[list[str], dict[str, str]]:
            own = [sys.executable, str(HERE / "swift_program.py"), str(etc)]
            # -v: logs go to standard error.
            return own + [str(BIN / program), str(etc / configuration), "-v"], {}

        if server == "memcached":
            port = str(self.layout.port(instance, server))
            options = ["-l", "127.0.0.1", "-p", port, "-U", "0", "-m", "16", "-u", "nobody"]
            return [str(self.layout.state / "memcached"), *options], {}
        if server == "keystone":
            environment = {
                "OS_KEYSTONE_CONFIG_FILES": str(etc / "keystone.conf"),
                "GUNICORN_CMD_ARGS": f"-c {etc / 'gunicorn.py'}",
            }
            return [str(BIN / "gunicorn")], environment
        if server == "updater":
            return swift("swift-object-updater", "object.conf")
        kind = "proxy" if server == "keystone-proxy" else server
        return swift(f"swift-{kind}-server", f"{server}.conf")

    def seed_keystone(self) -> None:
        """Makes Keystone's database, unless there is one that names the same ports."""
        endpoints = {
            instance.region: {
                "keystone": self.url(instance, "keystone") + "/v3",
                "swift": self.url(instance, "keystone-proxy") + "/v1/AUTH_%(project_id)s",
            }
            for instance, server in every(KEYSTONE)
            if server == "keystone"
        }
        wanted = json.dumps(endpoints)
        seeded = self.layout.keystone / "seeded"
        if seeded.exists() and seeded.read_text() == wanted:
            return
        shutil.rmtree(self.layout.keystone, ignore_errors=True)
        self.layout.keystone.mkdir(mode=0o700)
        configuration = self.layout.etc(INSTANCES["plain"]) / "keystone.conf"
        argv = [sys.executable, str(HERE / "keystone_seed.py"), str(configuration), wanted]
        seeding = subprocess.run(
            argv,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if seeding.returncode != 0:
            raise SystemExit(f"Keystone's database could not be made:\n{seeding.stderr[-4000:]}")
        seeded.write_text(wanted)

    def url(self, instance: Instance, server: str) -> str:
        return f"http://127.0.0.1:{self.layout.port(instance, server)}"

    def write_environment(self) -> None:
        rclone = self.layout.state / "rclone"
        environment = {
            # Followed by `start` or `stop`, an instance and a server.
            "launcher": [sys.executable, str(HERE / "servers.py"), str(self.layout.state)],
            "python": sys.executable,
            "swift": str(BIN / "swift"),
            "rclone": str(rclone) if rclone.exists() else None,
            "instances": {name: self.describe(each) for name, each in INSTANCES.items()},
        }
        # Whole or not at all, for a test may read it just now.
        draft = self.layout.environment.with_suffix(".new")
        draft.write_text(json.dumps(environment, indent=2))
        draft.replace(self.layout.environment)

    def describe(self, instance: Instance) -> dict[str, object]:
        """How the clients of an instance reach it; the keys of these servers open nothing else."""
        keystone = {
            "auth_url": self.url(instance, "keystone") + "/v3",
            "region": instance.region,
            "domain_id": "default",
            "users": [
                {"name": "tester", "password": "testing", "project": "test"},
                {"name": "tester2", "password": "testing2", "project": "test2"},
                {"name": "tester3", "password": "testing3", "project": "test"},
            ],
            "application_credential": {
                "id": "0123456789abcdef0123456789abcdef",
                "secret": "credential-secret",
            },
        }
        return {
            "folder": str(self.layout.home(instance)),
            "replicas": instance.replicas,
            "token_seconds": instance.token_seconds,
            "page": instance.page,
            "max_object": instance.max_object,
            "tempauth": {
                "auth_url": self.url(instance, "proxy") + "/auth/v1.0",
                "users": [
                    {"name": "test:tester", "key": "testing"},
                    {"name": "test2:tester2", "key": "testing2"},
                    {"name": "test:tester3", "key": "testing3"},
                ],
            },
            "keystone": keystone if self.process(instance, "keystone").pid() else None,
            "ports": {server: self.layout.port(instance, server) for server in instance.servers},
        }


def main(state: str, command: str, *arguments: str) -> None:
    layout = Layout(Path(state))
    layout.state.mkdir(parents=True, exist_ok=True)
    servers = Servers(layout)
    if command == "lend":
        return servers.lend(list(arguments))
    with servers.locked():
        if command in ("start", "stop"):
            name, server = arguments
            getattr(servers, command)(INSTANCES[name], server)
        elif command == "status":
            servers.status()
        elif command in ("up", "down"):
            getattr(servers, command)(list(arguments))
        else:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
