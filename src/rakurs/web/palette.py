"""What can be gone to by typing a few letters? Pages, reports, metrics, customers, deals, employees."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from rakurs.analyses import AREAS
from rakurs.app.kept_dashboards import dashboards_of
from rakurs.app.recent import recent
from rakurs.app.saved import reports_of
from rakurs.app.searching import Found, found
from rakurs.app.segments import segments_of
from rakurs.core.spelling import is_found, is_nearly_found, spellings
from rakurs.core.text import Text
from rakurs.metrics import METRICS
from rakurs.state.models import User
from rakurs.state.roles import Deed
from rakurs.web.access import scope_for, user_of, workspace
from rakurs.web.language import said
from rakurs.web.links import card_href
from rakurs.web.pictures import CHART_ICONS

SHOWN_EACH = 6
Spelt = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A page of the application; `words` are other names people look for it by."""

    title: Text
    route: str
    icon: str
    deed: Deed = "read"
    words: str = ""


PLACES: tuple[Place, ...] = (
    Place(title=Text(ru="Обзор", en="Overview"), route="home", icon="layout-dashboard", words="главная home"),
    Place(
        title=Text(ru="Сегменты", en="Segments"),
        route="segments",
        icon="users-round",
        words="аудитории списки клиентов audiences customers",
    ),
    Place(
        title=Text(ru="Модели", en="Models"),
        route="models",
        icon="gauge",
        words="прогноз предсказания отток уход clv шанс predictions churn forecast",
    ),
    Place(
        title=Text(ru="Дашборды", en="Dashboards"),
        route="dashboards",
        icon="layout-grid",
        words="плитки панели экран tv телевизор",
    ),
    Place(title=Text(ru="Все отчёты", en="All reports"), route="reports", icon="chart-bar", words="анализ вопросы"),
    Place(
        title=Text(ru="Собрать отчёт", en="Build a report"),
        route="build",
        icon="plus",
        words="конструктор сводная показатели разрезы pivot builder",
    ),
    Place(title=Text(ru="Мои отчёты", en="My reports"), route="my", icon="star", words="сохранённые saved"),
    Place(
        title=Text(ru="Сверка", en="Reconciliation"),
        route="reconcile",
        icon="clipboard-list",
        words="расхождение сравнить CRM difference",
    ),
    Place(
        title=Text(ru="Рассылки и сигналы", en="Reports by mail and alerts"),
        route="notices",
        icon="bell",
        words="расписание почта чат уведомления schedule telegram subscriptions",
    ),
    Place(
        title=Text(ru="Отчёт по расписанию", en="Schedule a report"),
        route="new_schedule",
        icon="mail",
        words="рассылка почта mail",
    ),
    Place(
        title=Text(ru="Новый сигнал", en="New alert"),
        route="new_alert",
        icon="bell",
        words="порог отклонение threshold",
    ),
    Place(title=Text(ru="Новый сегмент", en="New segment"), route="new_segment", icon="plus", words="условия список"),
    Place(title=Text(ru="Загрузить файлы", en="Upload files"), route="upload", icon="upload", deed="load"),
    Place(title=Text(ru="Загрузки", en="Loads"), route="loads", icon="history", deed="load"),
    Place(title=Text(ru="Карантин", en="Quarantine"), route="quarantine", icon="shield-alert", deed="load"),
    Place(
        title=Text(ru="Один клиент", en="One customer"),
        route="identities",
        icon="users-round",
        deed="load",
        words="дубли слияние объединить duplicates merge identity",
    ),
    Place(
        title=Text(ru="Каналы", en="Channels"),
        route="channels",
        icon="layers",
        deed="load",
        words="каналы источники реклама объединить channels utm merge",
    ),
    Place(
        title=Text(ru="Подключения", en="Connections"),
        route="sources",
        icon="globe",
        deed="load",
        words="источники crm вебхук webhook sources sync api интеграции",
    ),
    Place(
        title=Text(ru="Запись в CRM", en="Writing to CRM"),
        route="writing",
        icon="send",
        deed="load",
        words="задачи комментарии поля выгрузить в crm write back tasks comments",
    ),
    Place(
        title=Text(ru="Подготовить запись в CRM", en="Prepare a writing to CRM"),
        route="new_writing",
        icon="send",
        deed="load",
        words="задача менеджеру поле сегмент write task",
    ),
    Place(
        title=Text(ru="Учётная запись", en="Account"),
        route="account",
        icon="user-round",
        words="пароль password ключ token язык language тема theme",
    ),
    Place(title=Text(ru="Сменить пароль", en="Change the password"), route="password_change", icon="key-round"),
    Place(
        title=Text(ru="Второй фактор", en="Second factor"),
        route="set_second_factor",
        icon="key-round",
        words="вход код приложение totp authenticator",
    ),
    Place(
        title=Text(ru="Люди и приглашения", en="People and invitations"),
        route="people",
        icon="users",
        deed="administer",
        words="пользователи настройки права users settings invite",
    ),
    Place(title=Text(ru="Роли", en="Roles"), route="roles", icon="user-cog", deed="administer", words="права rights"),
    Place(
        title=Text(ru="Счётчик сайта", en="Site counter"),
        route="site",
        icon="globe",
        deed="administer",
        words="счётчик сайт трекер посещения utm tracker counter analytics",
    ),
    Place(
        title=Text(ru="Настройки компании", en="Company settings"),
        route="company",
        icon="settings",
        deed="administer",
        words="валюта пояс календарь праздники финансовый год currency calendar fiscal",
    ),
    Place(
        title=Text(ru="Персональные данные", en="Personal data"),
        route="privacy",
        icon="shield-check",
        deed="administer",
        words="152-фз gdpr стереть удалить человека выгрузить сроки хранения erase privacy retention",
    ),
    Place(
        title=Text(ru="Почта и чаты", en="Mail and chats"),
        route="sending",
        icon="send",
        deed="administer",
        words="smtp telegram рассылка",
    ),
    Place(
        title=Text(ru="Журнал действий", en="Audit log"),
        route="audit",
        icon="eye",
        deed="administer",
        words="аудит кто смотрел выгружал",
    ),
    Place(title=Text(ru="Справка", en="Help"), route="help", icon="book-open", words="reference определения"),
    Place(
        title=Text(ru="Справочник показателей", en="Metrics and dimensions"),
        route="help_metrics",
        icon="gauge",
        words="определения разрезы",
    ),
    Place(
        title=Text(ru="Таблицы и шаблоны", en="Tables and templates"),
        route="help_tables",
        icon="table-2",
        words="схема столбцы шаблон импорта",
    ),
    Place(title=Text(ru="С чего начать", en="Where to start"), route="start", icon="map", words="guide шаблоны"),
    Place(title=Text(ru="Что нового", en="What is new"), route="news", icon="sparkles", words="changelog изменения"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One line of the palette."""

    title: str
    href: str
    icon: str
    beside: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Lines of one kind."""

    title: str
    options: tuple[Option, ...]


RECENT = Text(ru="Недавнее", en="Recent")
KEPT = Text(ru="Сохранённое", en="Saved")
PAGES = Text(ru="Страницы", en="Pages")
REPORTS = Text(ru="Отчёты", en="Reports")
METRICS_TITLE = Text(ru="Показатели", en="Metrics")


def palette_groups(request: HttpRequest, text: str) -> tuple[Group, ...]:
    """What fits the typed letters, on any keyboard layout; what was opened last while nothing is typed."""
    spelt = spellings(text)
    if not spelt:
        latest = tuple(Option(**item) for item in recent(user_of(request)))
        groups = [Group(title=said(RECENT), options=latest), Group(title=said(REPORTS), options=tuple(_reports(((),))))]
    else:
        groups = [
            Group(title=said(REPORTS), options=tuple(_reports(spelt))),
            Group(title=said(KEPT), options=tuple(_kept(user_of(request), spelt))[:SHOWN_EACH]),
            Group(title=said(PAGES), options=tuple(_places(request, spelt))[:SHOWN_EACH]),
            Group(title=said(METRICS_TITLE), options=tuple(_metrics(spelt))),
            *_subjects(request, text),
        ]
        if not any(group.options for group in groups):
            groups = [Group(title=said(REPORTS), options=tuple(_reports(spelt, fits=is_nearly_found)))]
    return tuple(group for group in groups if group.options)


def _reports(spelt: Spelt, *, fits: Callable[[Spelt, str], bool] = is_found) -> Iterator[Option]:
    for area in AREAS:
        for item in area.analyses:
            if fits(spelt, f"{item.title.ru} {item.title.en} {item.name} {item.question.ru} {item.question.en}"):
                href = reverse("report", kwargs={"name": item.name})
                icon = CHART_ICONS[item.chart.kind]
                yield Option(title=said(item.title), href=href, icon=icon, beside=said(area.title))


def _kept(user: User, spelt: Spelt) -> Iterator[Option]:
    """What people made and this person may open: dashboards, reports, segments."""
    for shelf, route, key, icon in (
        (dashboards_of(user), "dashboard", "key", "layout-grid"),
        (reports_of(user), "saved", "report_id", "star"),
        (segments_of(user), "segment", "segment_id", "users-round"),
    ):
        for made in shelf:
            if is_found(spelt, f"{made.title} {made.about}"):
                yield Option(title=made.title, href=reverse(route, kwargs={key: made.pk}), icon=icon)


def _places(request: HttpRequest, spelt: Spelt) -> Iterator[Option]:
    user = user_of(request)
    for place in PLACES:
        if user.may(place.deed) and is_found(spelt, f"{place.title.ru} {place.title.en} {place.words}"):
            yield Option(title=said(place.title), href=reverse(place.route), icon=place.icon)


def _metrics(spelt: Spelt) -> Iterator[Option]:
    fitting = [item for item in METRICS if is_found(spelt, f"{item.title.ru} {item.title.en} {item.name}")]
    for metric in fitting[:SHOWN_EACH]:
        href = reverse("help_metrics") + f"#{metric.name}"
        yield Option(title=said(metric.title), href=href, icon="gauge")


def _subjects(request: HttpRequest, text: str) -> list[Group]:
    if not workspace().has_data:
        return []
    with workspace().reading() as reader:
        matches = found(reader, text, scope=scope_for(request), limit=SHOWN_EACH)
    by_card: dict[str, list[Found]] = {}
    for item in matches:
        by_card.setdefault(item.card.name, []).append(item)
    return [
        Group(title=said(items[0].card.table.title), options=tuple(_option(item) for item in items))
        for items in by_card.values()
    ]


def _option(item: Found) -> Option:
    beside = " · ".join(part for part in (said(item.through) if item.through else "", item.beside, item.id) if part)
    return Option(title=item.label, href=card_href(item.card.name, item.id), icon=item.card.icon, beside=beside)
