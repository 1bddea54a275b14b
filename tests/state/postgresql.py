"""A PostgreSQL server of the tests' own: made in a temporary folder, gone with it."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
LOGIN = "rakurs"
PASSWORD = "p@ss/лес 7"
SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "16MB"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server that lets in one login, by password."""

    port: int

    @property
    def url(self) -> str:
        return f"postgresql://{LOGIN}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}"

    def new_database(self, name: str) -> str:
        """The address of a database made now."""
        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(f'create database "{name}"')
        return f"{self.url}/{name}"


@contextmanager
def running_cluster() -> Generator[Cluster]:
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="rakurs-pg-"))
    owner = _owner()
    if owner is not None:
        shutil.chown(folder, owner)
    port = _free_port()

    def run(program: str, *arguments: object) -> None:
        command = [programs / program, "-D", folder / "data", *map(str, arguments)]
        subprocess.run(command, user=owner, cwd=folder, check=True, capture_output=True)

    try:
        passwords = folder / "password"
        passwords.write_text(PASSWORD, encoding="utf-8")
        passwords.chmod(0o644)
        made = ["--auth=scram-sha-256", f"--username={LOGIN}", f"--pwfile={passwords}", "--encoding=UTF8", "--no-sync"]
        run("initdb", *made, "--locale=C")
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        options += f" -c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
        # A log of its own: the server would hold the pipe of captured output open for ever.
        run("pg_ctl", "-w", "-s", "-t", 120, "-l", folder / "log", "-o", options, "start")
        try:
            yield Cluster(port)
        finally:
            run("pg_ctl", "-w", "-s", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Where `initdb` is; many systems keep the server's programs off the PATH."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    root = Path("/")
    found = [path for place in PLACES for path in sorted(root.glob(place[1:])) if (path / "initdb").exists()]
    assert found, "no PostgreSQL on this machine: scripts/ensure-postgresql installs it"
    return found[-1]


def _owner() -> str | None:
    """PostgreSQL refuses to run as root: then as its own user, or as nobody."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
