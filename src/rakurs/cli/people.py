"""Who may log in, and which programs may come in with a key?"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from django.utils import timezone

from rakurs.app.announcement import announced
from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.rights import Scope, ScopeKind
from rakurs.cli.terminal import print_rows, use_settings
from rakurs.core.text import Text
from rakurs.state.opening import open_state

if TYPE_CHECKING:
    from types import ModuleType

LANGUAGE = default_language()

_MADE = Text(
    ru="Логин {login}, одноразовый пароль {password} (при входе попросим сменить)",
    en="Login {login}, one-time password {password} (to be changed at the first login)",
)
_INVITED = Text(
    ru="Ссылка сработает один раз и в течение недели (больше не покажем): {link}",
    en="The link works once, within a week (it is not shown again): {link}",
)
_CLOSED = Text(ru="Ключ {prefix}… закрыт.", en="Token {prefix}… is closed.")
_SECRET = Text(
    ru="Секрет подписи (больше не покажем): {secret}", en="The signing secret (it is not shown again): {secret}"
)
_TOKEN = Text(ru="Ключ (больше не покажем): {token}", en="The token (it is not shown again): {token}")


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


user_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=_words("Пользователи и пароли", "Users and passwords")
)
token_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=_words("Ключи для программ", "Keys for programs")
)


def _accounts() -> "ModuleType":
    """The accounts of the home, its state brought up to date; Django reads the environment only now."""
    use_settings()
    open_state()
    from rakurs.app import accounts  # noqa: PLC0415 - its models need the settings above

    return accounts


@user_app.command(help=_words("Новый пользователь", "A new user"))
def create(
    *,
    login: str,
    role: Annotated[str, typer.Option(help="owner|head|manager|marketer|analyst")] = "manager",
    scope: Annotated[ScopeKind, typer.Option(help=_words("Чьи записи видит", "Whose rows are seen"))] = "own",
    employee: Annotated[str | None, typer.Option(help="employee_id")] = None,
    department: Annotated[str | None, typer.Option()] = None,
    branch: Annotated[str | None, typer.Option()] = None,
    name: Annotated[str, typer.Option()] = "",
) -> None:
    """Prints a one-time password."""
    accounts = _accounts()
    rights = Scope(kind=scope, employee_id=employee, department=department, branch=branch)
    made = accounts.new_user(login, role=role, scope=rights, name=name)
    accounts.note(None, "user", login, detail={"role": role, "scope": scope})
    typer.echo(_MADE.filled(login=made.login, password=made.password).to(LANGUAGE))


@user_app.command(help=_words("Ссылка, по которой человек заведёт себе вход", "A link by which a person joins"))
def invite(
    *,
    login: str,
    role: Annotated[str, typer.Option(help="owner|head|manager|marketer|analyst")] = "manager",
    scope: Annotated[ScopeKind, typer.Option(help=_words("Чьи записи видит", "Whose rows are seen"))] = "own",
    employee: Annotated[str | None, typer.Option(help="employee_id")] = None,
    department: Annotated[str | None, typer.Option()] = None,
    branch: Annotated[str | None, typer.Option()] = None,
    name: Annotated[str, typer.Option()] = "",
    site: Annotated[
        str | None, typer.Option(help=_words("Адрес, по которому открывают Ракурс", "The address Rakurs is opened at"))
    ] = None,
) -> None:
    """Prints a link that works once, within a week."""
    _accounts()
    from rakurs.app import people  # noqa: PLC0415 - its models need the settings

    seen = Scope(kind=scope, employee_id=employee, department=department, branch=branch)
    _invitation, text = people.invite(None, login, people.Rights(role=role, scope=seen), name=name)
    server = announced(default_home())
    address = site or (server.url if server else "")
    typer.echo(_INVITED.filled(link=f"{address.rstrip('/')}/join/{text}").to(LANGUAGE))


@user_app.command(help=_words("Новый одноразовый пароль", "A new one-time password"))
def reset(login: str) -> None:
    """For somebody who lost theirs; their open sessions end."""
    accounts = _accounts()
    made = accounts.reset_password(login)
    accounts.note(None, "password reset", login)
    typer.echo(_MADE.filled(login=made.login, password=made.password).to(LANGUAGE))


@user_app.command("list", help=_words("Все пользователи", "All users"))
def everybody() -> None:
    """Who may log in and what they see."""
    rows = [
        {
            "login": user.login,
            "name": user.name,
            "role": user.role,
            "scope": user.scope_kind,
            "last_login": f"{user.last_login:%Y-%m-%d %H:%M}" if user.last_login else None,
        }
        for user in _accounts().User.objects.order_by("login")
    ]
    print_rows(
        [{"name": name, "unit": "text", "title": name} for name in ("login", "name", "role", "scope", "last_login")],
        rows,
    )


@token_app.command("close", help=_words("Закрыть ключ", "Close a token"))
def close_token(
    prefix: Annotated[str, typer.Argument(help=_words("Начало ключа", "The beginning of the token"))],
) -> None:
    """From now on it opens nothing."""
    accounts = _accounts()
    accounts.close_token(prefix)
    accounts.note(None, "token closed", prefix)
    typer.echo(_CLOSED.filled(prefix=prefix).to(LANGUAGE))


@token_app.command("create", help=_words("Новый ключ для программы", "A new key for a program"))
def create_token(
    *,
    login: str,
    name: Annotated[str, typer.Option(help=_words("Как его называть", "What to call it"))] = "token",
    scope: Annotated[list[str] | None, typer.Option(help="read|keep|export|load|administer")] = None,
    days: Annotated[int | None, typer.Option(min=1, help=_words("Сколько дней жить", "How many days it lives"))] = None,
    sign: Annotated[
        bool,
        typer.Option(
            "--sign", help=_words("Только отдаёт данные и подписывает их", "Only hands data over, and signs it")
        ),
    ] = False,
) -> None:
    """Prints the key once, and the secret of one that signs; neither is kept."""
    accounts = _accounts()
    scopes: Sequence[str] = scope or accounts.USUAL_TOKEN_SCOPES
    expires_at = timezone.now() + timedelta(days=days) if days else None
    token, text = accounts.new_token(
        accounts.user_named(login), name=name, scopes=scopes, expires_at=expires_at, signs=sign
    )
    accounts.note(None, "token", token.prefix, detail={"login": login, "name": name})
    typer.echo(_TOKEN.filled(token=text).to(LANGUAGE))
    if sign:
        from rakurs.app.signing import signing_secret  # noqa: PLC0415 - the state is open only now

        typer.echo(_SECRET.filled(secret=signing_secret(token)).to(LANGUAGE))
