"""Where does everything a company has in Rakurs live? In one folder, the home."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """One company's folder. Copying it while nothing runs copies the company."""

    path: Path

    @property
    def warehouse(self) -> Path:
        """The folder of the raw zone and the analytical database."""
        return self.path / "warehouse"

    @property
    def state_file(self) -> Path:
        """Users, tokens, loads, audit."""
        return self.path / "state.sqlite"

    @property
    def jobs_file(self) -> Path:
        """Durable work in progress."""
        return self.path / "jobs.sqlite"

    @property
    def uploads(self) -> Path:
        """Files that came through the browser or the API, until they are loaded."""
        return self.path / "uploads"

    @property
    def inbox(self) -> Path:
        """Rows that programs sent, until they are loaded."""
        return self.path / "inbox"

    @property
    def connections(self) -> Path:
        """Systems that are followed, a folder each: settings with their keys, runs under way, changes not yet read."""
        return self.path / "connections"

    @property
    def profiles(self) -> Path:
        """Mappings a person confirmed, one YAML file each."""
        return self.path / "profiles"

    @property
    def scratch(self) -> Path:
        """Working files of the running process; safe to empty when nothing runs."""
        return self.path / "scratch"

    @property
    def company_file(self) -> Path:
        """The company's settings."""
        return self.path / "company.json"

    @property
    def site_file(self) -> Path:
        """Which sites of the company are counted."""
        return self.path / "site.json"

    @property
    def erasures(self) -> Path:
        """People who are being erased, a file each until it is done; readable by its owner only."""
        return self.path / "erasures"

    @property
    def retention_file(self) -> Path:
        """How long what kind of personal data is kept."""
        return self.path / "retention.json"

    @property
    def outbox_file(self) -> Path:
        """The mail server and chats this company sends through, with their keys; readable by its owner only."""
        return self.path / "outbox.json"

    @property
    def server_file(self) -> Path:
        """How a command reaches the server that owns this home: port, key, process id."""
        return self.path / "server.json"

    @property
    def secret_file(self) -> Path:
        """The key that signs sessions; readable by its owner only."""
        return self.path / "secret.key"

    def ensured(self) -> "Home":
        """The same home, its folders made; the home itself is closed to other users of the machine."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        for folder in (self.warehouse, self.uploads, self.profiles, self.scratch):
            folder.mkdir(exist_ok=True)
        return self


def default_home() -> Home:
    """`RAKURS_HOME`, or a `rakurs` folder where this system keeps users' data."""
    named = os.environ.get("RAKURS_HOME")
    return Home(Path(named).expanduser()) if named else Home(_user_data_folder() / "rakurs")


def state_url() -> str | None:
    """`RAKURS_STATE_URL`: the database of users, loads and unfinished work, where that is not in the home."""
    return os.environ.get("RAKURS_STATE_URL") or None


def _user_data_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
