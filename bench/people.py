"""What do people wait for, and what does the server pay? The real server on the loaded home, asked over HTTP.

Three measurements: the first chart of each page (as it opens once the server has prepared what is seen first, under a
filter nobody asked for, under another, and again), many people filtering at once, and whole answers as files.
"""

import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pyarrow.parquet as pq
from python_calamine import CalamineWorkbook

from rakurs.analyses import analysis_named
from rakurs.app.home import Home
from rakurs.app.workspace import Workspace

REPORTS = ("funnel", "stage_times", "sales_dynamics", "managers", "customer_rating", "rfm", "cohorts")
"""What people open most; the home dashboard is measured beside them."""
PERIODS = ("this_month", "last_month", "last_90_days", "this_year", "last_365_days", "all")
RIGHTS = (("analyst", "all"), ("head", "department"), ("manager", "own"), ("manager", "own"))
"""Role and scope of every fourth person; half of them see their own rows only."""
THINKING = (0.5, 2.0)
"""Seconds between an answer and the next filter, evenly spread."""
PREPARED_SECONDS = 180
FILES = ("csv", "parquet", "xlsx")
LONGEST = "customer_rating"
PASSWORD = "measured-by-the-bench"
_TICKS = os.sysconf("SC_CLK_TCK")
_HX = {"HX-Request": "true"}


@dataclass
class Server:
    """The process under measurement; what it used is read from /proc, so this runs on Linux."""

    pid: int
    url: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=600, trust_env=False)

    @property
    def cpu_seconds(self) -> float:
        """Of all cores, since it started."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def resident_bytes(self) -> int:
        return self._status("VmRSS")

    @property
    def peak_bytes(self) -> int:
        """The most it held since `forget_peak`."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="utf-8")

    def _status(self, name: str) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024


@dataclass
class Views:
    """What the views of one kind took."""

    seconds: list[float] = field(default_factory=list[float])
    failed: list[str] = field(default_factory=list[str])

    def asked(self, client: httpx.Client, address: str, headers: Mapping[str, str]) -> None:
        started = time.perf_counter()
        answer = client.get(address, headers=headers)
        self.seconds.append(time.perf_counter() - started)
        if answer.status_code != HTTPStatus.OK:
            self.failed.append(f"{answer.status_code} {address}")


def people(home: Home, *, count: int, seconds: float, seed: int) -> dict[str, Any]:
    """Everything measured of `count` people on the company in `home`, the crowd for so many `seconds`."""
    staff, pipelines = _employees(home)
    made = _accounts(home, staff, count)
    with served(home) as server, ExitStack() as stack:
        _prepared(server)
        boss = stack.enter_context(logged_in(server, *made[0]))
        first = [_first_chart(server, boss, name) for name in ("home", *REPORTS)]
        clients = [boss, *(stack.enter_context(logged_in(server, *login)) for login in made[1:])]
        crowd = _crowd(server, clients, staff, pipelines, seconds=seconds, seed=seed)
        files = [_file(server, boss, kind) for kind in FILES]
    return {"first": first, "crowd": crowd, "files": files}


@contextmanager
def served(home: Home) -> Generator[Server]:
    """A server of its own on a free port, ended afterwards."""
    environment = {**os.environ, "RAKURS_HOME": str(home.path), "RAKURS_LANGUAGE": "en"}
    command = [sys.executable, "-m", "rakurs", "serve", "--port", "0"]
    log = home.path.parent / "server.log"
    with log.open("w", encoding="utf-8") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield Server(process.pid, _address(process, home, log))
    finally:
        process.terminate()
        process.wait(60)


def _address(process: subprocess.Popen[bytes], home: Home, log: Path) -> str:
    announcement = home.path / "server.json"
    while process.poll() is None:
        if announcement.exists():
            said = json.loads(announcement.read_text(encoding="utf-8"))
            url = f"http://127.0.0.1:{said['port']}"
            if said["pid"] == process.pid and _is_up(url):
                return url
        time.sleep(0.1)
    raise RuntimeError(log.read_text(encoding="utf-8"))


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False, timeout=60).text == "ok"
    except httpx.TransportError:
        return False


def _employees(home: Home) -> tuple[list[dict[str, str]], list[str]]:
    with Workspace.open(home) as workspace, workspace.reading() as reader:
        staff = reader.collect(reader.frame("employees").select("employee_id", "department")).to_pylist()
        pipelines = reader.collect(reader.frame("pipelines").select("pipeline_id"))["pipeline_id"].to_pylist()
    return staff, pipelines


def _accounts(home: Home, staff: Sequence[Mapping[str, str]], count: int) -> list[tuple[str, str]]:
    """Logins with one-time passwords: an owner first, then people of different rights."""
    wanted: list[tuple[str, ...]] = [("--role", "owner", "--scope", "all")]
    for number in range(count - 1):
        role, scope = RIGHTS[number % len(RIGHTS)]
        person = staff[number % len(staff)]
        limits = {"all": (), "department": ("--department", person["department"]), "own": ()}[scope]
        limits = ("--employee", person["employee_id"]) if scope == "own" else limits
        wanted.append(("--role", role, "--scope", scope, *limits))
    prefix = f"bench-{time.time_ns():x}"
    return [(login, _one_time(home, login, rights)) for login, rights in _numbered(prefix, wanted)]


def _numbered(prefix: str, wanted: Sequence[tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    return [(f"{prefix}-{number}", rights) for number, rights in enumerate(wanted)]


def _one_time(home: Home, login: str, rights: Sequence[str]) -> str:
    environment = {**os.environ, "RAKURS_HOME": str(home.path), "RAKURS_LANGUAGE": "en"}
    command = [sys.executable, "-m", "rakurs", "user", "create", login, *rights]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    found = re.search(r"password (\S+)", said)
    assert found, said
    return found[1]


@contextmanager
def logged_in(server: Server, login: str, password: str) -> Generator[httpx.Client]:
    """A person at work: the one-time password given, an own one set."""
    with server.client() as client:
        client.get("/login")
        _sent(client, "/login", username=login, password=password)
        _sent(client, "/password", new_password1=PASSWORD, new_password2=PASSWORD)
        yield client


def _sent(client: httpx.Client, address: str, **fields: str) -> None:
    answer = client.post(address, data={**fields, "csrfmiddlewaretoken": client.cookies["csrftoken"]})
    if answer.status_code != HTTPStatus.FOUND:
        raise RuntimeError(f"{address}: {answer.status_code}")


def _first_chart(server: Server, client: httpx.Client, name: str) -> dict[str, Any]:
    """One page as it opens, under a filter nobody asked for, under another, and asked again: with its charts complete.

    `cold_first` is when the first of its charts is there: a report has one.
    """
    measured: dict[str, Any] = {"name": name}
    for how, period in (
        ("opened", ""),
        ("cold", "last_365_days"),
        ("other", "last_90_days"),
        ("again", "last_90_days"),
    ):
        started, cpu = time.perf_counter(), server.cpu_seconds
        look: Callable[[httpx.Client, str], float] = _dashboard if name == "home" else _report(name)
        first = look(client, period)
        measured[how], measured[f"{how}_first"] = time.perf_counter() - started, first - started
        measured[f"{how}_cpu"] = server.cpu_seconds - cpu
    return measured


def _period(period: str) -> dict[str, str]:
    return {"period": period} if period else {}


def _prepared(server: Server) -> None:
    """Wait until the server rests: what people see first has been asked beforehand."""
    deadline = time.monotonic() + PREPARED_SECONDS
    while time.monotonic() < deadline:
        before = server.cpu_seconds
        time.sleep(3)
        if server.cpu_seconds - before < 0.3:
            return


def _report(name: str) -> Callable[[httpx.Client, str], float]:
    def look(client: httpx.Client, period: str) -> float:
        page = client.get(f"/reports/{name}/", params=_period(period))
        page.raise_for_status()
        assert "<e-chart" in page.text, name
        return time.perf_counter()

    return look


def _dashboard(client: httpx.Client, period: str) -> float:
    """The page and all its tiles, six at a time, as a browser asks for them; when the first chart was there."""
    page = client.get("/", params=_period(period))
    page.raise_for_status()
    tiles: list[str] = sorted(set(re.findall(r'hx-get="([^"]*/tiles/[^"]*)"', page.text)))
    assert tiles, "a dashboard without tiles"
    chosen = {"state": f"period={period}"} if period else {}

    def filled(tile: str) -> float:
        answer = client.get(tile, params=chosen, headers=_HX)
        answer.raise_for_status()
        return time.perf_counter() if "<e-chart" in answer.text else math.inf

    with ThreadPoolExecutor(6) as browser:
        first = min(browser.map(filled, tiles))
    assert first < math.inf, "a dashboard without charts"
    return first


def _crowd(
    server: Server,
    clients: Sequence[httpx.Client],
    staff: Sequence[Mapping[str, str]],
    pipelines: Sequence[str],
    *,
    seconds: float,
    seed: int,
) -> dict[str, Any]:
    """Everybody at once: open a report under some filter, think, open the next."""
    views = [Views() for _ in clients]
    before, cpu, started = server.resident_bytes, server.cpu_seconds, time.perf_counter()
    server.forget_peak()

    def works(number: int) -> None:
        some = random.Random(seed * 1_000 + number)
        while time.perf_counter() - started < seconds:
            name = some.choice(REPORTS)
            known = analysis_named(name).params.model_fields
            filters = {"period": some.choice(PERIODS)}
            if "manager" in known and some.random() < 1 / 2:
                filters["manager"] = some.choice(staff)["employee_id"]
            if "pipeline" in known and some.random() < 1 / 3:
                filters["pipeline"] = some.choice(pipelines)
            address = f"/reports/{name}/?{httpx.QueryParams(filters)}"
            views[number].asked(clients[number], address, _HX)
            time.sleep(some.uniform(*THINKING))

    with ThreadPoolExecutor(len(clients)) as crowd:
        list(crowd.map(works, range(len(clients))))
    took = time.perf_counter() - started
    waited = sorted(second for view in views for second in view.seconds)
    hundredths = statistics.quantiles(waited, n=100, method="inclusive") if len(waited) > 1 else [waited[0]] * 99
    return {
        "people": len(clients),
        "views": len(waited),
        "seconds": took,
        "p50": hundredths[49],
        "p95": hundredths[94],
        "longest": waited[-1],
        "failed": [line for view in views for line in view.failed],
        "cpu_per_view": (server.cpu_seconds - cpu) / len(waited),
        "resident_before": before,
        "peak": server.peak_bytes,
        "per_person": (server.resident_bytes - before) / len(clients),
    }


def _file(server: Server, client: httpx.Client, kind: str) -> dict[str, Any]:
    """Every row of the longest answer as a file: how long, how large, how much memory, and are the rows all there?"""
    server.forget_peak()
    before, cpu, started = server.resident_bytes, server.cpu_seconds, time.perf_counter()
    with TemporaryDirectory() as folder:
        target = Path(folder) / f"{LONGEST}.{kind}"
        with (
            client.stream("GET", f"/reports/{LONGEST}/download.{kind}", params={"period": "all"}) as answer,
            target.open("wb") as file,
        ):
            answer.raise_for_status()
            for piece in answer.iter_bytes():
                file.write(piece)
        took, used, peak = time.perf_counter() - started, server.cpu_seconds - cpu, server.peak_bytes
        return {
            "kind": kind,
            "rows": _rows_in(target),
            "seconds": took,
            "cpu_seconds": used,
            "bytes": target.stat().st_size,
            "growth": max(0, peak - before),
        }


def _rows_in(file: Path) -> int:
    if file.suffix == ".parquet":
        return pq.read_metadata(file).num_rows
    if file.suffix == ".csv":
        with file.open("rb") as lines:
            return sum(1 for _ in lines) - 1
    return CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).height - 1
