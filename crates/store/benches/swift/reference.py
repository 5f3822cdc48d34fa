"""What python-swiftclient takes for each work of the benchmark: a work and its numbers in, seconds out.

    reference.py AUTH_URL USER KEY CONTAINER

One line of standard input is one work, such as `put 100 16`: the seconds that it took are printed.
"""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import local

import swiftclient
from swiftclient.service import SwiftService
from swiftclient.utils import LengthWrapper

AUTH_URL, USER, KEY, CONTAINER = sys.argv[1:]
PIECE = 64 * 1024
CONTENTS = b"x" * 1024
THREAD = local()


def connection() -> swiftclient.Connection:
    """One for each thread, for it cannot be shared."""
    if not hasattr(THREAD, "connection"):
        THREAD.connection = swiftclient.Connection(AUTH_URL, USER, KEY, auth_version="1")
    return THREAD.connection


def put_one(number: int) -> None:
    connection().put_object(CONTAINER, f"small-{number}", CONTENTS)


def get_one(number: int) -> None:
    _, body = connection().get_object(CONTAINER, f"small-{number}")
    assert body == CONTENTS


class Works:
    """Each takes the numbers that follow its name."""

    def __init__(self) -> None:
        self.pools: dict[int, ThreadPoolExecutor] = {}

    def put(self, files: int, at_once: int) -> None:
        self.each(put_one, files, at_once)

    def get(self, files: int, at_once: int) -> None:
        self.each(get_one, files, at_once)

    def each(self, work, files: int, at_once: int) -> None:
        if at_once == 1:
            for number in range(files):
                work(number)
            return
        # Kept, with the connections of its threads.
        pool = self.pools.setdefault(at_once, ThreadPoolExecutor(at_once))
        for _ in pool.map(work, range(files)):
            pass

    def up(self, size: int) -> None:
        with open("/dev/zero", "rb") as zeros:
            connection().put_object(
                CONTAINER, "large", zeros, content_length=size, chunk_size=PIECE
            )

    def up_checked(self, size: int) -> None:
        """As `swift upload` does it, which takes the MD5 of what goes."""
        with open("/dev/zero", "rb") as zeros:
            contents = LengthWrapper(zeros, size, md5=True)
            etag = connection().put_object(CONTAINER, "large", contents, content_length=size)
            assert etag == contents.get_md5sum()

    def down(self, size: int) -> None:
        _, body = connection().get_object(CONTAINER, "large", resp_chunk_size=PIECE)
        assert sum(map(len, body)) == size

    def down_checked(self, size: int) -> None:
        """As `swift download` does it, which takes the MD5 of what comes; nothing is written."""
        service = SwiftService({"auth_version": "1.0", "auth": AUTH_URL, "user": USER, "key": KEY})
        with service:
            (result,) = service.download(CONTAINER, ["large"], {"no_download": True})
        assert result["success"] and result["read_length"] == size, result

    def list(self, files: int) -> None:
        _, rows = connection().get_container(f"{CONTAINER}-listed", full_listing=True)
        assert len(rows) == files


def main() -> None:
    works = Works()
    for line in sys.stdin:
        name, *numbers = line.split()
        started = time.perf_counter()
        getattr(works, name)(*map(int, numbers))
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main()
