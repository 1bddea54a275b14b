"""One person's data: `rakurs person export WHO`, `erase WHO`, `erasures`, `let-in ID`, `resume`, `retention`."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.privacy_work import PrivacyWork, opened
from rakurs.cli.loading import watched
from rakurs.cli.terminal import print_json, print_pairs, print_rows, use_settings
from rakurs.core.errors import BadParameter
from rakurs.core.text import Text

LANGUAGE = default_language()


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


person_app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help=_words("Данные одного человека и сроки хранения", "One person's data, and how long data is kept"),
)

_WHO = _words("Номер любой записи, телефон или почта", "An id of any record, a phone or an e-mail")
_Who = Annotated[str, typer.Argument(metavar=_words("КТО", "WHO"), help=_WHO)]
_Format = Annotated[Literal["table", "json"], typer.Option("--format")]
_SURE = Text(ru="Стереть этого человека? Вернуть его будет нельзя.", en="Erase this person? It cannot be taken back.")
_SURE_WITH_DEALS = Text(
    ru="Стереть этого человека вместе со сделками и заказами? Числа прошлого изменятся, вернуть будет нельзя.",
    en="Erase this person with the deals and orders? Numbers of the past change, and it cannot be taken back.",
)
_CONFIRM = Text(ru="Стирание надо подтвердить: добавьте --yes.", en="An erasure must be confirmed: add --yes.")
_MONTHS = Text(ru="пишите вид=месяцы, без срока: вид=", en="write kind=months; without a limit: kind=")
_TABLES = (
    {"name": "title", "title": _words("Таблица", "Table"), "unit": "text"},
    {"name": "rows", "title": _words("Строк", "Rows"), "unit": "count"},
)
_ERASURES = (
    {"name": "erasure", "title": _words("Стирание", "Erasure"), "unit": "id"},
    {"name": "begun_at", "title": _words("Начато (UTC)", "Begun (UTC)"), "unit": "text"},
    {"name": "done_at", "title": _words("Закончено (UTC)", "Done (UTC)"), "unit": "text"},
    {"name": "by", "title": _words("Кто", "By"), "unit": "text"},
    {"name": "rows", "title": _words("Строк", "Rows"), "unit": "count"},
    {"name": "is_let_in", "title": _words("Снова принимается", "Let in again"), "unit": "flag"},
)
_KINDS = (
    {"name": "kind", "title": _words("Вид", "Kind"), "unit": "id"},
    {"name": "title", "title": _words("Что это", "What it is"), "unit": "text"},
    {"name": "months", "title": _words("Месяцев", "Months"), "unit": "count"},
    {"name": "past", "title": _words("Уйдёт строк", "Rows to go"), "unit": "count"},
    {"name": "goes", "title": _words("Что уходит", "What goes"), "unit": "text"},
)


@person_app.command(help=_words("Кто это и что о нём известно", "Who it is, and what is known of them"))
def show(who: _Who, *, format: _Format = "table") -> None:
    """The same preview as before an erasure; nothing changes."""
    use_settings()
    with opened(default_home()) as work:
        found = work.look(who, language=LANGUAGE)
    if format == "json":
        print_json(found)
    else:
        _tell(found)


@person_app.command(help=_words("Выдать всё, что известно о человеке", "Hand over all that is known of a person"))
def export(
    who: _Who,
    target: Annotated[Path, typer.Argument(help=_words("Файл ZIP", "A ZIP file"))] = Path("person.zip"),
) -> None:
    """One archive: tables as CSV, everything as JSON, raw rows, pages in Russian and English."""
    use_settings()
    with opened(default_home()) as work:
        written = work.hand_over(who, target.absolute())
    typer.echo(_words("Архив: {path}", "Archive: {path}").format(path=written))


@person_app.command(help=_words("Стереть человека везде", "Erase a person everywhere"))
def erase(
    who: _Who,
    *,
    with_deals: Annotated[
        bool, typer.Option("--with-deals", help=_words("Вместе со сделками и заказами", "Deals and orders too"))
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help=_words("Не спрашивать", "Do not ask"))] = False,
    format: _Format = "table",
) -> None:
    """Shows what will go, asks, and does it; stopped in the middle, it goes on with `rakurs person resume`."""
    use_settings()
    with opened(default_home()) as work:
        found = work.look(who, language=LANGUAGE)
        if format == "table":
            _tell(found)
        _confirm(yes, with_deals=with_deals)
        with watched() as progress:
            told = work.erase(who, with_deals=with_deals, language=LANGUAGE, progress=progress)
    if format == "json":
        print_json(told)
    else:
        _tell_done(told)


@person_app.command(help=_words("Продолжить прерванные стирания", "Go on with erasures that were stopped"))
def resume(*, format: _Format = "table") -> None:
    """Whoever an older backup brought back is erased anew as well."""
    use_settings()
    with opened(default_home()) as work, watched() as progress:
        told = work.resume(language=LANGUAGE, progress=progress)
    _list(told, format)


@person_app.command(help=_words("Кого стирают и кого стёрли", "Who is being erased, and who was"))
def erasures(*, format: _Format = "table") -> None:
    """Nothing in it tells who it was."""
    use_settings()
    with opened(default_home()) as work:
        told = work.erasures(language=LANGUAGE)
    _list(told, format)


@person_app.command("let-in", help=_words("Снова принимать данные стёртого", "Take an erased person in again"))
def let_in(erasure: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """For whoever became a customer again and agreed; what was erased stays so."""
    use_settings()
    with opened(default_home()) as work:
        work.let_in(erasure)
    typer.echo(_words("Новые данные этого человека снова принимаются.", "New data of this person is taken in again."))


@person_app.command(help=_words("Сколько месяцев хранить какие данные", "How many months which data is kept"))
def retention(
    *,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KIND=MONTHS", help=_words("site=24, пусто: всегда", "site=24; nothing: for ever")
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=_words("Только показать, что уйдёт", "Only show what would go"))
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help=_words("Убрать сейчас, не дожидаясь ночи", "Let it go now, not at night"))
    ] = False,
    format: _Format = "table",
) -> None:
    """Off by default. What is past goes at night, while a server runs; numbers by month stay."""
    use_settings()
    months = {kind: value for item in set_ or () for kind, value in [_months(item)]}
    with opened(default_home()) as work:
        past = work.past_under(months, language=LANGUAGE) if dry_run else None
        if months and not dry_run:
            work.keep_for(months)
        gone = _let_go(work) if apply and not dry_run else None
        told = work.kept_for(language=LANGUAGE)
    told |= {} if past is None else {"past": past}
    told |= {} if gone is None else {"gone": gone}
    if format == "json":
        print_json(told)
        return
    counts = {item["kind"]: sum(row["rows"] for row in item["rows"]) for item in told["past"]}
    shown = {item["kind"]: item["months"] for item in told["past"]}
    lines = [
        kind | {"past": counts.get(kind["kind"]), "months": shown.get(kind["kind"], kind["months"])}
        for kind in told["kinds"]
    ]
    print_rows(_KINDS, lines)
    if gone is not None:
        rows = sum(row["rows"] for item in gone for row in item["rows"])
        typer.echo(_words("Ушло строк: {rows}", "Rows let go: {rows}").format(rows=rows))


def _let_go(work: PrivacyWork) -> list[dict[str, Any]]:
    with watched() as progress:
        return work.let_go(language=LANGUAGE, progress=progress)


def _months(item: str) -> tuple[str, int | None]:
    kind, separator, value = item.partition("=")
    if not separator or (value and not value.isdigit()):
        raise BadParameter("--set", item, _MONTHS)
    return kind, int(value) if value else None


def _confirm(yes: bool, *, with_deals: bool) -> None:  # noqa: FBT001 - the option as it was given
    if yes:
        return
    if not sys.stdin.isatty():
        typer.echo(_CONFIRM.to(LANGUAGE), err=True)
        raise typer.Exit(1)
    if not typer.confirm((_SURE_WITH_DEALS if with_deals else _SURE).to(LANGUAGE)):
        raise typer.Exit(1)


def _tell(found: dict[str, Any]) -> None:
    contacts = ", ".join(value for values in found["contacts"].values() for value in values)
    shared = "; ".join(f"{value}: {', '.join(others)}" for value, others in found["shared"].items())
    print_pairs(
        (title, text)
        for title, text in (
            (_words("Кто", "Who"), found["label"]),
            (_words("Записи", "Records"), ", ".join(found["records"])),
            (_words("Имена", "Names"), "; ".join(found["names"])),
            (_words("Контакты", "Contacts"), contacts),
            (_words("Контакт есть и у других", "Others have it too"), shared),
        )
        if text
    )
    print_rows(_TABLES, found["tables"])


def _tell_done(told: dict[str, Any]) -> None:
    typer.echo(_words("Стёрто. Стирание {erasure}.", "Erased. Erasure {erasure}.").format(**told))
    typer.echo(
        _words(
            "Переписано сырых файлов: {raw_files}, строк: {raw_rows}",
            "Raw files rewritten: {raw_files}, rows: {raw_rows}",
        ).format(**told)
    )
    for words in told["left"]:
        typer.echo(f"• {words}")


def _list(told: list[dict[str, Any]], format: str) -> None:
    if format == "json":
        print_json(told)
        return
    print_rows(_ERASURES, [item | {"rows": sum(row["rows"] for row in item["tables"])} for item in told])
