"""A MariaDB server of the tests' own: made in a temporary folder, gone with it."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

PLACES = (
    "/usr/sbin",
    "/usr/libexec",
    "/opt/homebrew/opt/mariadb/bin",
    "/usr/local/opt/mariadb/bin",
)
LOGIN = "rakurs"
PASSWORD = "p@ss/лес 7"
START_SECONDS = 30
SETTINGS = (
    "--skip-log-bin",
    "--skip-name-resolve",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=8M",
    "--performance-schema=OFF",
    "--default-time-zone=+00:00",
)


@dataclass(frozen=True, slots=True)
class Maria:
    """A running server that lets in one login, by password."""

    port: int

    def url(self, name: str) -> str:
        return f"mysql://{LOGIN}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{name}"

    def connected(self, name: str | None = None) -> Any:
        """A connection of the shop's own programs."""
        import pymysql

        return pymysql.connect(
            host="127.0.0.1", port=self.port, user=LOGIN, password=PASSWORD.encode(), database=name, autocommit=True
        )

    def new_database(self, name: str) -> str:
        """The address of a database made now; one of that name goes first."""
        with closing(self.connected()) as connection, connection.cursor() as cursor:
            cursor.execute(f"create or replace database `{name}` character set utf8mb4")
        return self.url(name)


def program() -> str | None:
    """Where the server is; many systems keep it off the PATH."""
    return shutil.which("mariadbd") or next(
        (str(path) for place in PLACES if (path := Path(place) / "mariadbd").exists()), None
    )


@contextmanager
def running_maria() -> Generator[Maria]:
    server = program()
    assert server, "no MariaDB on this machine: scripts/ensure-mariadb installs it"
    folder = Path(tempfile.mkdtemp(prefix="rakurs-maria-"))
    # It refuses to run as root.
    owner = "nobody" if os.getuid() == 0 else None
    if owner is not None:
        shutil.chown(folder, owner)
    data, port = folder / "data", _free_port()
    bare = ["--no-defaults", f"--datadir={data}"]
    script = folder / "login.sql"
    script.write_text(
        f"create user '{LOGIN}'@'127.0.0.1' identified by '{PASSWORD}';\ngrant all on *.* to '{LOGIN}'@'127.0.0.1';\n",
        encoding="utf-8",
    )
    script.chmod(0o644)
    try:
        make = ["mariadb-install-db", *bare, "--skip-test-db", "--auth-root-authentication-method=normal"]
        subprocess.run(make, user=owner, cwd=folder, check=True, capture_output=True)
        listens = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}"]
        listens += [f"--pid-file={folder / 'pid'}", f"--init-file={script}", "--character-set-server=utf8mb4"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [server, *bare, *listens, *SETTINGS], user=owner, cwd=folder, stdout=log, stderr=log
            )
        try:
            _wait(Maria(port), process, folder / "log")
            yield Maria(port)
        finally:
            process.kill()
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(maria: Maria, process: subprocess.Popen[bytes], log: Path) -> None:
    import pymysql

    until = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            maria.connected().close()
        except pymysql.err.OperationalError:
            assert time.monotonic() < until, log.read_text(errors="replace")[-2000:]
            time.sleep(0.1)
        else:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
