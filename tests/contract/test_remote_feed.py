"""A feed at a URL, over a real socket: fetching, caching, and every failure."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from astro_deployment_runtime.catalogs import remote_feed, vendor_feed
from astro_deployment_runtime.errors import InvalidCatalogError, InvalidSettingsError, RunInterruptedError
from astro_deployment_runtime.lifecycle.deployment import connect
from astro_deployment_runtime.planning.catalog import Catalog
from astro_deployment_runtime.planning.versions import ReleaseId
from astro_deployment_runtime.support.cancellation import cancel_event
from tests.contract.sandbox_server import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GUIDE = {name: (vendor_feed._FOLDER / "guide" / name).read_bytes() for name in vendor_feed.FILES}
Answer = tuple[int, bytes]


class Mirror:
    """A web server with the two feeds, as a vendor or an air-gapped platform has them."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[Any], None]] = {
            f"/feeds/{name.removesuffix('.json')}": (200, text) for name, text in GUIDE.items()
        }
        self.asked: list[tuple[str, dict[str, str]]] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
                answer = mirror.answers.get(self.path, (404, b"not here"))
                if callable(answer):
                    answer(self)
                    return
                status, text = answer
                self.send_response(status)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/feeds"

    def all(self, answer: Answer | Callable[[Any], None]) -> None:
        """Answer this to everything from here on."""
        self.answers = dict.fromkeys(self.answers, answer)


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    """The server, running."""
    made = Mirror()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose copies are kept in a folder of the test."""
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def copies(home: dict[str, str]) -> list[Path]:
    """Everything that is kept."""
    return [path for path in Path(home["XDG_CACHE_HOME"]).rglob("*") if path.is_file()]


def age(home: dict[str, str], seconds: float) -> None:
    """Have the copy be older."""
    (copy,) = copies(home)
    kept = json.loads(copy.read_text())
    copy.write_text(json.dumps(kept | {"fetched": kept["fetched"] - seconds}))


def names(catalog: Catalog) -> list[str]:
    """The releases of a catalog."""
    return [str(release) for release in (*catalog.certified, *catalog.runtime)]


def test_the_two_feeds_are_fetched_and_cached(mirror: Mirror, home: dict[str, str]) -> None:
    """At most once an hour, and never with a token."""
    found = remote_feed.load(mirror.url, environment=home)
    assert names(found) == names(vendor_feed.load("guide"))
    assert found.stale == ""
    assert [path for path, _ in mirror.asked] == ["/feeds/astronomer-certified", "/feeds/astronomer-runtime"]
    assert all("authorization" not in headers and "cookie" not in headers for _, headers in mirror.asked)
    assert names(remote_feed.load(mirror.url, environment=home)) == names(found)
    assert len(mirror.asked) == 2
    age(home, remote_feed.FRESH_SECONDS)
    remote_feed.load(f"{mirror.url}/", environment=home)
    remote_feed.load(mirror.url, environment=home)
    assert len(mirror.asked) == 6


def test_a_feed_with_an_unreadable_row_is_used_and_cached(mirror: Mirror, home: dict[str, str]) -> None:
    """The row is named, also from the cache. The other rows are releases."""
    rows = {"5.0.4": {"metadata": {"airflowVersion": "2.3.0"}}, "3.3-rc": None}
    mirror.answers["/feeds/astronomer-runtime"] = (200, json.dumps({"runtimeVersions": rows}).encode())
    for _ in range(2):
        found = remote_feed.load(mirror.url, environment=home)
        assert [str(release) for release in found.runtime] == ["Astro Runtime 5.0.4"]
        assert [row.text for row in found.unreadable] == ["runtimeVersions['3.3-rc']"]
    assert len(mirror.asked) == 2


def test_a_cached_feed_from_the_future_is_not_used(mirror: Mirror, home: dict[str, str]) -> None:
    """A clock was wrong. The copy would never expire."""
    remote_feed.load(mirror.url, environment=home)
    age(home, -7 * 24 * 3600)
    remote_feed.load(mirror.url, environment=home)
    assert len(mirror.asked) == 4


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param((500, b"down"), id="fails"),
        pytest.param((404, b"gone"), id="is gone"),
        pytest.param((302, b""), id="leads elsewhere"),
        pytest.param((200, b" " * (16 * 2**20 + 1)), id="is too large"),
        pytest.param(lambda handler: handler.connection.close(), id="hangs up"),
    ],
)
def test_an_old_cached_feed_is_used_with_a_warning(
    mirror: Mirror, home: dict[str, str], answer: Answer | Callable[[Any], None]
) -> None:
    """If no server answers. Without a cached feed, the error names the URL and the reason."""
    mirror_answers = dict(mirror.answers)
    mirror.all(answer)
    with pytest.raises(InvalidCatalogError) as caught:
        remote_feed.load(mirror.url, environment=home)
    assert f"{mirror.url}/astronomer-certified: " in str(caught.value)
    assert "there is no copy of it on this machine" in str(caught.value)
    assert copies(home) == []
    mirror.answers = mirror_answers
    remote_feed.load(mirror.url, environment=home)
    age(home, 30 * 24 * 3600)
    mirror.all(answer)
    stale = remote_feed.load(mirror.url, environment=home)
    assert names(stale) == names(vendor_feed.load("guide"))
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 30 * 24 * 3600))
    assert stale.stale == f"the catalog {mirror.url} cannot be fetched, so a copy of {day} is used"
    assert Catalog.offered([], [], stale).stale == stale.stale


def test_a_closed_port_is_no_answer(mirror: Mirror, home: dict[str, str]) -> None:
    """The cached feed is used."""
    remote_feed.load(mirror.url, environment=home)
    age(home, remote_feed.FRESH_SECONDS)
    mirror.server.socket.close()
    assert remote_feed.load(mirror.url, environment=home).stale


def test_an_endless_feed_times_out(mirror: Mirror, home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It sends byte by byte, so that no single read takes long."""
    over = threading.Event()

    def drip(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            while not over.wait(0.05):
                handler.wfile.write(b" ")

    monkeypatch.setattr(remote_feed, "_FEED_SECONDS", 0.5)
    mirror.all(drip)
    with pytest.raises(InvalidCatalogError, match=r"no answer within 0\.5 s"):
        remote_feed.load(mirror.url, environment=home)
    over.set()


def test_a_cancelled_run_does_not_wait_for_a_feed(mirror: Mirror, home: dict[str, str]) -> None:
    """Ctrl-C ends the fetch, too."""
    event = threading.Event()
    event.set()
    token = cancel_event.set(event)
    try:
        with pytest.raises(RunInterruptedError):
            remote_feed.load(mirror.url, environment=home)
    finally:
        cancel_event.reset(token)


@pytest.mark.parametrize("text", [b"<html>log in</html>", b"{}", b"\xff\xfe{", b"[" * 100_000])
def test_an_invalid_feed_is_an_error_and_not_cached(mirror: Mirror, home: dict[str, str], text: bytes) -> None:
    """The cached feed stays as it was."""
    remote_feed.load(mirror.url, environment=home)
    age(home, remote_feed.FRESH_SECONDS)
    before = copies(home)[0].read_bytes()
    mirror.all((200, text))
    with pytest.raises(InvalidCatalogError, match="cannot be used"):
        remote_feed.load(mirror.url, environment=home)
    assert [copy.read_bytes() for copy in copies(home)] == [before]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"fetched": "soon", "feeds": {}}', '{"fetched": 1e999, "feeds": 1}'])
def test_a_broken_cached_feed_is_fetched_again(mirror: Mirror, home: dict[str, str], text: str) -> None:
    """And written again."""
    remote_feed.load(mirror.url, environment=home)
    copies(home)[0].write_text(text)
    assert names(remote_feed.load(mirror.url, environment=home)) == names(vendor_feed.load("guide"))
    assert len(mirror.asked) == 4
    assert len(copies(home)) == 1


def test_a_cache_that_cannot_be_written_is_no_error(mirror: Mirror, tmp_path: Path) -> None:
    """The next process fetches the feed again."""
    (tmp_path / "file").touch()
    environment = {"XDG_CACHE_HOME": str(tmp_path / "file")}
    remote_feed.load(mirror.url, environment=environment)
    remote_feed.load(mirror.url, environment=environment)
    assert len(mirror.asked) == 4


def test_feeds_are_cached_below_the_home(mirror: Mirror, tmp_path: Path) -> None:
    """Unless an absolute path is set. Only the user may read and write them."""
    remote_feed.load(mirror.url, environment={"HOME": str(tmp_path), "XDG_CACHE_HOME": "cache"})
    (copy,) = (tmp_path / ".cache" / "astro-deployment-runtime" / "feeds").iterdir()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://feeds.example.com", "would be fetched unencrypted from another machine"),
        ("ftp://feeds.example.com", "astro:catalog is 'ftp://feeds.example.com': write https://HOST/PATH"),
        ("https://user:word@feeds.example.com", "astro:catalog carries credentials"),
    ],
)
def test_an_unsafe_address_is_refused(url: str, message: str, home: dict[str, str]) -> None:
    """Before any request."""
    with pytest.raises(InvalidSettingsError, match=message):
        remote_feed.load(url, environment=home)


def test_the_settings_name_the_feed(mirror: Mirror, home: dict[str, str]) -> None:
    """A feed at a URL completes the offer like any other. It never gets the token."""
    named = {"ASTRO_HOUSTON_URL": "https://houston.example.com/v1", "ASTRO_HOUSTON_TOKEN": TOKEN}
    with contextlib.closing(connect(lambda _: None, {**os.environ, **home, **named, "ASTRO_CATALOG": mirror.url})):
        assert len(mirror.asked) == 2
    assert all(TOKEN not in str(headers) for _, headers in mirror.asked)
    catalog = Catalog.offered([], [("5.0.4", "2.3.0")], remote_feed.load(mirror.url, environment=home))
    assert catalog.get(ReleaseId.parse("Runtime 5.0.4")) is not None
