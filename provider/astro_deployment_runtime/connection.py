"""How this package connects over HTTP: whom it trusts, which way it goes, and that it follows nobody elsewhere."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from astro_deployment_runtime.errors import InvalidSettingsError, UnreadableFileError
from astro_deployment_runtime.files import LARGEST_CA_FILE, read_file
from astro_deployment_runtime.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clients:
    """Clients for one server, as many as there are requests side by side. Safe to share among threads.

    One client for all would be httpx's own way. But a client looks at each of its connections for every request, twice,
    while all others wait: work that grows with the square of what goes on side by side.
    """

    def __init__(self, url: str, *, ca_file: Path | None, **options: Any) -> None:  # noqa: ANN401 - httpx's own
        """Prepare; nothing is sent yet.

        Args:
            url: an address there.
            ca_file: the CA certificates that are trusted instead of the system's.
            options: of :class:`httpx.Client`.

        Raises:
            InvalidSettingsError: the CA file cannot be used.
        """
        try:
            context = ssl.create_default_context(cadata=_certificates(ca_file) if ca_file else None)
        except (UnreadableFileError, OSError) as error:
            raise InvalidSettingsError(f"astro:caFile {str(ca_file)!r} holds no CA certificates") from error
        host = urlsplit(url).hostname or ""
        self._options: dict[str, Any] = {
            "verify": context,
            "follow_redirects": False,
            "trust_env": True,
            # This machine is no proxy's business, above all not over plain http.
            "mounts": {f"all://{f'[{host}]' if ':' in host else host}": None} if is_loopback(host) else None,
            **options,
        }
        self._idle: list[httpx.Client] = []
        self._closed = False

    @contextlib.contextmanager
    def one(self) -> Iterator[httpx.Client]:
        """Have a client for oneself for a while: the one that was used last, whose connections are open still."""
        try:
            client = self._idle.pop()
        except IndexError:
            client = httpx.Client(**self._options)
        try:
            yield client
        finally:
            self._idle.append(client)
            if self._closed:
                self.close()

    def close(self) -> None:
        """Give the connections back; those in use, as soon as they are not."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()


def _certificates(ca_file: Path) -> str:
    """Read a CA file once. Certificates are ASCII; remarks between them need not be, and are left out."""
    text = read_file(ca_file, largest=LARGEST_CA_FILE).decode("ascii", errors="ignore")
    if not text:
        # Without a text, the system's certificates would be trusted.
        raise UnreadableFileError(f"{ca_file}: is empty", reason="is empty")
    return text
