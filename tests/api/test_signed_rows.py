"""A key that signs: what is signed is taken, what is not, was altered or is old is not, and the examples of the page work."""

import hashlib
import hmac
import os
import re
import subprocess
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from offices import Office

HEADER = "X-Rakurs-Signature"
PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8").rpartition("### Signed")[2]
ROWS = "/api/v1/rows/channels"
BODY = b'[{"channel_id": "till", "name": "\xd0\x9a\xd0\xb0\xd1\x81\xd1\x81\xd0\xb0"}]'


def signature(secret: str, body: bytes, *, at: int) -> str:
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


@pytest.fixture(scope="module")
def made(browser: httpx.Client) -> dict[str, Any]:
    """A key that signs, as its owner is shown it once."""
    headers = {"X-CSRFToken": browser.cookies["csrftoken"]}
    told = browser.post("/api/v1/me/tokens", json={"name": "till", "signs": True}, headers=headers)
    assert told.status_code == 201, told.text
    made: dict[str, Any] = told.json()
    assert (made["scopes"], made["signs"]) == (["load"], True)
    assert made["signing_secret"] not in browser.get("/api/v1/me/tokens").text
    return made


@pytest.fixture(scope="module")
def till(office: Office, made: dict[str, Any]) -> Generator[httpx.Client]:
    headers = {"Authorization": f"Bearer {made['token']}", "Accept-Language": "en", "Content-Type": "application/json"}
    with office.served.client(**headers) as client:
        yield client


def test_what_is_signed_is_taken(till: httpx.Client, made: dict[str, Any]) -> None:
    sign = signature(made["signing_secret"], BODY, at=int(time.time()))
    for header in (sign, sign.replace(",v1=", f",v1={'0' * 64},v1=")):
        assert till.post(ROWS, content=BODY, headers={HEADER: header}).json() == {"accepted": 1}
    empty = signature(made["signing_secret"], b"", at=int(time.time()))
    assert till.get("/api/v1/connections", headers={HEADER: empty}).status_code == 200
    assert till.get("/api/v1/analyses", headers={HEADER: empty}).status_code == 403


@pytest.mark.parametrize(
    ("off", "spoilt", "words"),
    [
        (0, lambda _: None, "there is no signature"),
        (0, lambda _: "garbage", "cannot be read"),
        (0, lambda sign: sign.replace("t=", "t=1,t="), "cannot be read"),
        (0, lambda sign: sign.replace("v1", "v0"), "cannot be read"),
        (0, lambda sign: sign.replace("t=", "t=-"), "cannot be read"),
        (0, lambda sign: f"{sign[:-1]}{'0' if sign[-1] != '0' else '1'}", "does not match"),
        (1, lambda sign: sign.replace("t=", "t=1"), "does not match"),
        (0, lambda _: f"t={int(time.time())},v1=ключ", "does not match"),
        (-302, lambda sign: sign, "300 at most"),
        (302, lambda sign: sign, "300 at most"),
    ],
)
def test_what_is_not_signed_so_is_refused(
    till: httpx.Client, made: dict[str, Any], off: int, spoilt: Any, words: str
) -> None:
    header = spoilt(signature(made["signing_secret"], BODY, at=int(time.time()) + off))
    headers = {} if header is None else {HEADER: header.encode()}
    refused = till.post(ROWS, content=BODY, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:rakurs:bad-signature"), refused.text
    assert words in refused.json()["detail"]
    assert made["signing_secret"] not in refused.text


def test_the_body_and_the_secret_are_what_is_signed(till: httpx.Client, made: dict[str, Any], office: Office) -> None:
    now = int(time.time())
    good = signature(made["signing_secret"], BODY, at=now)
    assert "does not match" in till.post(ROWS, content=BODY.replace(b"till", b"tilt"), headers={HEADER: good}).text
    other = signature("rks_other", BODY, at=now)
    assert "does not match" in till.post(ROWS, content=BODY, headers={HEADER: other}).text
    # Every way in with this key is signed, files too; a key that does not sign is as it was.
    assert till.get("/api/v1/connections").status_code == 403
    with office.as_("boss") as boss:
        assert boss.post(ROWS, content=BODY, headers={"Content-Type": "application/json"}).status_code == 202


def test_the_examples_of_the_page_work(office: Office, made: dict[str, Any]) -> None:
    rakurs, key, secret = office.served.url, made["token"], made["signing_secret"]
    blocks = dict(re.findall(r"^```(sh|python)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
    names: dict[str, Any] = {}
    exec(compile(blocks["python"], "docs/api.md", "exec"), names)
    rows = [{"channel_id": "till", "name": "Касса"}]
    assert names["hand_over"](rakurs, "channels", rows, key=key, secret=secret) == {"accepted": 1}
    environment = {**os.environ, "RAKURS": rakurs, "KEY": key, "SECRET": secret}
    said = subprocess.run(["sh", "-ec", blocks["sh"]], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == '{"accepted": 1}' or said.stdout.replace(" ", "") == '{"accepted":1}', said.stdout


def test_a_page_and_a_command_show_the_secret_once(office: Office, browser: httpx.Client) -> None:
    fields = {"name": "shop", "days": "90", "signs": "1", "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    browser.get("/account/")
    shown = browser.post("/account/tokens", data=fields)
    assert shown.status_code == 200, shown.text[-800:]
    assert "rks_" in shown.text
    assert "rks_" not in browser.get("/account/").text
    said = office.machine.run("token", "create", "boss", "--sign")
    key, secret = re.search(r"\brk_\S+", said), re.search(r"\brks_\S+", said)
    assert key
    assert secret
    sign = signature(secret[0], BODY, at=int(time.time()))
    with office.served.client(**{"Authorization": f"Bearer {key[0]}", HEADER: sign}) as client:
        assert client.post(ROWS, content=BODY, headers={"Content-Type": "application/json"}).status_code == 202
