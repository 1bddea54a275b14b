"""A home in a temporary folder, the real command and the real server on it, as a user has them."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from forking import COMMAND, SERVER, Fork

HERE = Path(__file__).resolve().parent
SOURCES = HERE.parent / "src"
NOT_PASSED_ON = ("RAKURS_", "DJANGO_", "LC_", "PYTHONDONTWRITEBYTECODE")
START_SECONDS = 180
ONE_AFTER_ANOTHER = """
import json, sys
from typer.testing import CliRunner
from rakurs.cli.root import app
done = [CliRunner().invoke(app, command, prog_name="rakurs") for command in json.loads(sys.argv[1])]
print(json.dumps([(one.exit_code, one.stdout if one.exit_code == 0 else one.output) for one in done]))
"""
FIRST_LOGIN = re.compile(r"Log in as (\S+) with the one-time password (\S+) ")


@dataclass
class Served:
    """A server under test: where it listens, its process, what it printed."""

    process: Fork
    url: str
    key: str
    log: Path

    @property
    def printed(self) -> str:
        return self.log.read_text(encoding="utf-8")

    @property
    def first_login(self) -> tuple[str, str]:
        found = FIRST_LOGIN.search(self.printed)
        assert found, self.printed
        return found[1], found[2]

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=60)

    def local(self) -> httpx.Client:
        return self.client(**{"X-Rakurs-Key": self.key})

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@dataclass(frozen=True)
class Machine:
    """One home and the environment commands run in."""

    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_PASSED_ON)}
        paths = os.pathsep.join([str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])])
        ours = {
            "RAKURS_HOME": str(self.home),
            "RAKURS_LANGUAGE": "en",
            "RAKURS_MODELS": "manual",
            "PYTHONPATH": paths,
            "COLUMNS": "200",
        }
        return {**kept, **ours, **self.settings}

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "rakurs", *arguments]
        return subprocess.Popen(command, env=self.environment, text=True, **options)

    def run(self, *arguments: str, exit_code: int = 0) -> str:
        """What the command printed; its exit code must be the expected one and stderr never a traceback."""
        done = self.done(*arguments)
        assert done.returncode == exit_code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if exit_code == 0 else done.stderr

    def done(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self.ran(COMMAND, *arguments)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def ran(self, code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """What a program printed that was run to its end where the home is."""
        with TemporaryDirectory() as folder:
            out, error = Path(folder, "out"), Path(folder, "error")
            fork = Fork(code, arguments, environment=self.environment | environment, out=out, error=error)
            try:
                exit_code = fork.wait(240)
            finally:
                fork.kill()
            printed = [path.read_text(encoding="utf-8") for path in (out, error)]
            return subprocess.CompletedProcess(arguments, exit_code, *printed)

    def run_all(self, commands: Sequence[Sequence[str]]) -> list[str]:
        """What each of many commands printed, run one after another in one process: starting costs more than most."""
        done = self.ran(ONE_AFTER_ANOTHER, json.dumps([list(command) for command in commands]))
        assert done.returncode == 0, done.stderr
        results = json.loads(done.stdout)
        for command, (exit_code, printed) in zip(commands, results, strict=True):
            assert exit_code == 0, (command, printed)
        return [printed for _, printed in results]

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--format", "json"))

    @contextmanager
    def served(self) -> Generator[Served]:
        """A server on a free port, up and answering; stopped at the end whatever happened."""
        log = self.home.parent / f"{self.home.name}-{time.monotonic_ns()}.log"
        process = Fork(SERVER, ["--port", "0"], environment=self.environment, out=log)
        try:
            yield self._up(process, log)
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)

    def _up(self, process: Fork, log: Path) -> Served:
        deadline = time.monotonic() + START_SECONDS
        announcement = self.home / "server.json"
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            if announcement.exists():
                said = json.loads(announcement.read_text(encoding="utf-8"))
                if said["pid"] == process.pid and _answers(said["port"]):
                    return Served(process, f"http://127.0.0.1:{said['port']}", said["key"], log)
            time.sleep(0.1)
        raise AssertionError(f"no server within {START_SECONDS} s: {log.read_text(encoding='utf-8')}")


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False, timeout=5).text == "ok"
    except httpx.TransportError:
        return False


@contextmanager
def logged_in(served: Served, login: str, password: str) -> Generator[httpx.Client]:
    """A browser's session: the login form sent with its CSRF token."""
    with served.client() as client:
        assert client.get("/login").status_code == 200
        fields = {"username": login, "password": password, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
        answer = client.post("/login", data=fields)
        assert answer.status_code == 302, answer.text[:500]
        yield client


def write_table(folder: Path, name: str, rows: Sequence[Mapping[str, object]]) -> Path:
    """Rows as a canonical CSV file."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [",".join(columns)]
    lines += [",".join(str(row.get(column, "")) for column in columns) for row in rows]
    target = folder / f"{name}.csv"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def small_company(folder: Path) -> Path:
    """Two managers of two departments, six deals, four orders, one row that breaks a rule."""
    write_table(
        folder,
        "employees",
        [
            {"employee_id": "m1", "name": "Анна", "department": "Север", "branch": "Москва"},
            {"employee_id": "m2", "name": "Борис", "department": "Юг", "branch": "Тула"},
        ],
    )
    write_table(folder, "pipelines", [{"pipeline_id": "p", "name": "Продажи"}])
    write_table(
        folder,
        "stages",
        [
            {"pipeline_id": "p", "stage_id": "new", "name": "Новая", "position": 1, "outcome": "open"},
            {"pipeline_id": "p", "stage_id": "won", "name": "Выиграна", "position": 2, "outcome": "won"},
            {"pipeline_id": "p", "stage_id": "lost", "name": "Проиграна", "position": 3, "outcome": "lost"},
        ],
    )
    write_table(folder, "customers", [{"customer_id": f"c{n}", "name": f"Клиент {n}"} for n in range(1, 7)])
    write_table(
        folder,
        "deals",
        [
            {
                "deal_id": f"d{number}",
                "pipeline_id": "p",
                "created_at": f"2026-01-0{number}T10:00:00",
                "closed_at": "" if stage == "new" else f"2026-01-1{number}T10:00:00",
                "stage_id": stage,
                "customer_id": f"c{number}",
                "manager_id": "m1" if number <= 4 else "m2",
                "amount": number * 100,
            }
            for number, stage in enumerate(("won", "won", "lost", "new", "won", "lost"), start=1)
        ],
    )
    write_table(
        folder,
        "orders",
        [
            {
                "order_id": f"o{number}",
                "ordered_at": f"2026-01-1{number}T12:00:00" if number < 5 else "some day",
                "paid_at": f"2026-01-1{number}T12:00:00",
                "customer_id": f"c{number}",
                "manager_id": "m1" if number <= 2 else "m2",
                "amount": f"{number}000.50",
            }
            for number in range(1, 6)
        ],
    )
    return folder
