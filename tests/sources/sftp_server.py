"""An SFTP server on loopback: a folder of this machine behind a key, a login and a password. It can be told to misbehave.

Nothing of the product is imported here.
"""

import asyncio
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh

USER, PASSWORD = "выгрузка", "sftp-secret-7731"


class Shelf:
    """The server. Files lie in `folder`; who comes in sees nothing above it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.other_keys: list[asyncssh.SSHKey] = []  # of other kinds
        self.user_key = asyncssh.generate_private_key("ssh-ed25519")
        self.entries = 0  # how often somebody was let in
        self.passwords: list[str] = []  # every password that was ever sent here
        self.bytes_read = 0
        self.slow_seconds = 0.0  # each read takes so long
        self.cut_after: int | None = None  # the connection is cut when so many bytes were read, once
        self.refused: set[str] = set()  # files that may not be read
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._acceptor: Any = None
        self.visits: set[Any] = set()
        self.opened: list[Any] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def fingerprint(self) -> str:
        return self.host_key.get_fingerprint()

    @property
    def pem(self) -> str:
        """The private key of the user, as its file holds it."""
        return self.user_key.export_private_key().decode()

    def open(self) -> None:
        """Listen, with the key that is the server's now, at the port it had."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def close(self) -> None:
        """Nobody is there any more."""
        asyncio.run_coroutine_threadsafe(self._silence(), self._loop).result(10)

    def cut(self) -> None:
        """Every connection goes, as when a cable is pulled."""
        for visit in list(self.visits):
            visit.abort()

    async def _listen(self) -> None:
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_host_keys=[self.host_key, *self.other_keys],
            server_factory=lambda: _Door(self),
            sftp_factory=lambda channel: _Folder(self, channel),
            login_timeout=20,
            config=None,
        )
        self.port = self._acceptor.get_port()

    async def _silence(self) -> None:
        self.cut()
        self._acceptor.close()
        await self._acceptor.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for file in self.opened:
            file.close()


class _Door(asyncssh.SSHServer):
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._visit = conn
        self._shelf.visits.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._shelf.visits.discard(self._visit)

    def auth_completed(self) -> None:
        self._shelf.entries += 1

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self._shelf.passwords.append(password)
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key == self._shelf.user_key.convert_to_public()


class _Folder(asyncssh.SFTPServer):
    def __init__(self, shelf: Shelf, channel: asyncssh.SSHServerChannel) -> None:
        super().__init__(channel, chroot=str(shelf.folder).encode())
        self._shelf = shelf
        self._visit = channel.get_connection()

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if path.rpartition(b"/")[2].decode(errors="replace") in self._shelf.refused:
            raise asyncssh.SFTPPermissionDenied("not for you")
        self._shelf.opened.append(super().open(path, pflags, attrs))
        return self._shelf.opened[-1]

    def scandir(self, path: bytes) -> Any:
        if path.rpartition(b"/")[2].decode(errors="replace") in self._shelf.refused:
            raise asyncssh.SFTPPermissionDenied("not for you")
        return super().scandir(path)

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        if self._shelf.slow_seconds:
            await asyncio.sleep(self._shelf.slow_seconds)
        content: bytes = super().read(file_obj, offset, size)  # type: ignore[assignment]
        self._shelf.bytes_read += len(content)
        if self._shelf.cut_after is not None and self._shelf.bytes_read >= self._shelf.cut_after:
            self._shelf.cut_after = None
            self._visit.abort()
        return content
