"""Who comes in: an invitation works once, a second factor stands beside the password, the last administrator stays."""

import re
import time
from collections.abc import Generator

import httpx
import pytest
from walking import House, house_of, two_branches

from processes import Machine
from routes import script

PASSWORD = "сосна-и-ветер-4417"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    found = Machine(tmp_path_factory.mktemp("entrance") / "home")
    found.run("load", str(two_branches(tmp_path_factory.mktemp("branches") / "files")))
    return found


@pytest.fixture(scope="module")
def house(machine: Machine) -> Generator[House]:
    with machine.served() as served:
        yield house_of(machine, served)


def sent(client: httpx.Client, address: str, **fields: str) -> httpx.Response:
    """A form posted as its page would."""
    if "csrftoken" not in client.cookies:
        client.get("/account/" if "sessionid" in client.cookies else "/login")
    return client.post(address, data={**fields, "csrfmiddlewaretoken": client.cookies["csrftoken"]})


def invited(boss: httpx.Client, login: str, **rights: str) -> str:
    page = sent(boss, "/settings/invite", login=login, role="manager", scope_kind="own", **rights)
    link = re.search(r'id="invitation-link">([^<]+)<', page.text)
    assert link, page.text[-2000:]
    return "/join/" + link[1].rpartition("/")[2]


def totp_code(secret: str, *, ahead: int = 0) -> str:
    from base64 import b32decode

    from django_otp.oath import TOTP

    code = TOTP(b32decode(secret + "=" * (-len(secret) % 8)))
    code.time = time.time() + 30 * ahead
    return f"{code.token():06}"


def test_an_invitation_lets_one_person_in_once_with_the_rights_it_names(house: House) -> None:
    with house.browser("boss") as boss:
        link = invited(boss, "New@Firm.ru", employee_id="m1")
        assert link.rpartition("/")[2] not in boss.get("/settings/").text
    with house.browser(None) as guest:
        page = guest.get(link)
        assert "new@firm.ru" in page.text
        fields = {"name": "Новая", "password": PASSWORD, "again": PASSWORD}
        assert sent(guest, link, **{**fields, "again": "x"}).status_code == 422
        assert sent(guest, link, **{**fields, "password": "12345", "again": "12345"}).status_code == 422
        assert sent(guest, link, **fields).headers["location"] == "/"
        assert "Новая" in guest.get("/account/").text
        assert guest.get("/settings/").status_code == 403
        me = guest.get("/api/v1/me").json()
        assert (me["login"], me["role"], me["scope"]) == ("new@firm.ru", "manager", "own")
    with house.browser(None) as second:
        assert second.get(link).status_code == 410
        assert sent(second, link, **fields).status_code == 410


def test_a_second_factor_stands_between_the_password_and_the_session(house: House) -> None:
    with house.browser("boss") as boss:
        link = invited(boss, "careful", employee_id="m1")
    with house.browser(None) as careful:
        careful.get(link)
        sent(careful, link, name="Осторожный", password=PASSWORD, again=PASSWORD)
        page = careful.get("/account/second-factor/").text
        assert "<svg" in page
        assert " style=" not in page
        secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
        assert secret
        secret_text = secret[1].replace(" ", "")
        assert sent(careful, "/account/second-factor/", code="000000").status_code == 422
        time.sleep(1.1)  # a wrong code closes the device for a second
        shown = sent(careful, "/account/second-factor/", code=totp_code(secret_text)).text
        codes = re.findall(r"<li><code>([a-z0-9-]+)</code></li>", shown)
        assert len(codes) == 10
        for page in (careful.get("/account/").text, shown):
            assert secret[1] not in page
            assert secret_text not in page
        assert codes[0] not in careful.get("/account/").text
    with house.browser(None) as again:
        answer = sent(again, "/login", username="careful", password=PASSWORD)
        assert answer.headers["location"] == "/login/code"
        assert again.get("/").status_code == 302
        assert again.get("/api/v1/me").status_code == 401
        assert sent(again, "/login/code", code="nonsense").status_code == 422
        seen = totp_code(secret_text, ahead=1)
        assert sent(again, "/login/code", code=seen).headers["location"] == "/"
        assert again.get("/api/v1/me").status_code == 200
    with house.browser(None) as overheard:  # the code somebody saw over the shoulder works no second time
        sent(overheard, "/login", username="careful", password=PASSWORD)
        assert sent(overheard, "/login/code", code=seen).status_code == 422
        assert overheard.get("/api/v1/me").status_code == 401
    for expected in (302, 422):  # a recovery code lets in once
        with house.browser(None) as lost:
            sent(lost, "/login", username="careful", password=PASSWORD)
            assert sent(lost, "/login/code", code=codes[0]).status_code == expected
    assert secret_text not in house.served.printed


def test_wrong_codes_close_the_login_like_wrong_passwords(house: House, machine: Machine) -> None:
    turn_on = """
import json
from rakurs.state.opening import open_state
open_state()
from django_otp.plugins.otp_totp.models import TOTPDevice
from rakurs.state.models import User
TOTPDevice.objects.create(user=User.objects.get(login="marketer"), confirmed=True)
print(json.dumps(1))
"""
    script(machine, turn_on)
    with house.browser(None) as guesser:
        sent(guesser, "/login", username="marketer", password="a-password-of-a-test")
        answers = [sent(guesser, "/login/code", code=f"{number:06}").status_code for number in range(6)]
        assert answers[0] == 422
        assert answers[-1] == 429


def test_the_last_administrator_cannot_lose_the_keys(house: House) -> None:
    with house.browser("boss") as boss:
        number = house.ids["user_id"][0]
        everybody = re.findall(r'href="/settings/people/(\d+)/"', boss.get("/settings/").text)
        for other in set(everybody) - {number}:
            sent(boss, f"/settings/people/{other}/close")
        answer = sent(boss, f"/settings/people/{number}/", role="manager", scope_kind="all", name="boss")
        assert answer.status_code == 422
        assert boss.get("/settings/").status_code == 200


def test_what_was_changed_is_in_the_audit_with_before_and_after(house: House) -> None:
    with house.browser("boss") as boss:
        page = boss.get("/settings/audit/?deed=user+closed").text
        assert "manager" in page
        file = boss.get("/settings/audit.csv")
        assert "login failed" in file.text
        assert PASSWORD not in file.text
        for link in re.findall(r"/join/\S+", file.text):
            raise AssertionError(link)


def test_the_form_of_the_company_sent_as_it_is_shown_changes_only_what_was_typed(house: House) -> None:
    with house.browser("boss") as boss:
        shown = boss.get("/settings/company/").text
        days = dict(re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>([^<]*)</textarea>', shown))
        assert days == {"days_off": "", "working_days": ""}
        chosen = dict(
            re.findall(r'<select name="(\w+)">.*?<option(?: value="[^"]*")? selected>([^<]*)<', shown, re.DOTALL)
        )
        assert chosen["currency"] == "RUB"
        typed = {
            "name": "Ракурс",
            "timezone": chosen["timezone"],
            "currency": "RUB",
            "country": "RU",
            "revenue_basis": "orders",
            "orders_dated_by": "auto",
            "fiscal_year_start": "1",
            "days_off": "2026-12-30\n2026-12-31",
        }
        assert sent(boss, "/settings/company/", **typed).status_code == 302
        page = boss.get("/settings/company/").text
        while 'aria-busy="true"' in page or 'hx-trigger="every' in page:
            time.sleep(0.3)
            page = boss.get("/settings/company/").text
        assert "2026-12-30\n2026-12-31" in page
        assert 'value="orders" selected' in page
        assert sent(boss, "/settings/company/", **{**typed, "days_off": "завтра"}).status_code == 422
