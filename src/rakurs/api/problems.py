"""How does an error reach a program? As application/problem+json, in the caller's language, without internals."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import get_language_from_request
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from rakurs.app.documents import problem_document, without_empty
from rakurs.app.inbox import InboxFull
from rakurs.app.signing import BadSignature
from rakurs.core.errors import (
    BadInput,
    BadParameter,
    Cancelled,
    MappingNeeded,
    NotAllowed,
    RakursError,
    SourceRefused,
    SourceUnreachable,
    UnknownName,
    WarehouseBusy,
)
from rakurs.core.text import Language, Text

RETRY_AFTER_SECONDS = "5"
KINDS: Mapping[type[RakursError], tuple[int, str, Text]] = {
    UnknownName: (404, "unknown-name", Text(ru="Такого имени нет", en="Unknown name")),
    BadParameter: (422, "bad-parameter", Text(ru="Параметр не подходит", en="Bad parameter")),
    MappingNeeded: (409, "mapping-needed", Text(ru="Файл надо сопоставить", en="The file needs a mapping")),
    BadInput: (422, "bad-input", Text(ru="Так не получится", en="Bad input")),
    BadSignature: (403, "bad-signature", Text(ru="Подпись не принята", en="The signature is not taken")),
    NotAllowed: (403, "not-allowed", Text(ru="Нет прав", en="Not allowed")),
    InboxFull: (429, "inbox-full", Text(ru="Надо подождать", en="Wait a little")),
    SourceRefused: (502, "source-refused", Text(ru="Источник не пускает", en="The source refuses")),
    SourceUnreachable: (504, "source-unreachable", Text(ru="Источник не отвечает", en="The source does not answer")),
    WarehouseBusy: (503, "busy", Text(ru="Данные заняты", en="The data is busy")),
    Cancelled: (409, "cancelled", Text(ru="Отменено", en="Cancelled")),
}
_UNKNOWN = (500, "error", Text(ru="Ошибка", en="Error"))
_HTTP = {
    400: ("bad-request", Text(ru="Запрос не разобран", en="Bad request")),
    401: ("unauthorized", Text(ru="Нужен вход или ключ", en="A login or a token is needed")),
    403: ("not-allowed", Text(ru="Нет прав", en="Not allowed")),
    404: ("not-found", Text(ru="Не найдено", en="Not found")),
    429: ("too-many-requests", Text(ru="Слишком много запросов", en="Too many requests")),
}


def language_of(request: HttpRequest) -> Language:
    """`?language=ru|en`, else what the request's cookie or headers ask for."""
    return "en" if (request.GET.get("language") or get_language_from_request(request)).startswith("en") else "ru"


def add_problems(api: NinjaAPI) -> None:
    """Answer every error of `api` as a problem document."""
    api.add_exception_handler(RakursError, _ours)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _http)
    api.add_exception_handler(Http404, lambda request, _error: _answer(request, 404, *_HTTP[404]))


def _ours(request: HttpRequest, error: Any) -> HttpResponse:
    kinds = (KINDS[kind] for kind in type(error).__mro__ if kind in KINDS)
    status, kind, title = next(kinds, _UNKNOWN)
    extra = {
        "parameter": getattr(error, "parameter", None),
        "did_you_mean": getattr(error, "did_you_mean", None),
        "file": getattr(error, "file", None),
    }
    response = _answer(request, status, kind, title, detail=error.message, extra=extra)
    if isinstance(error, InboxFull):
        response["Retry-After"] = RETRY_AFTER_SECONDS
    return response


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    first = error.errors[0]
    where = ".".join(str(part) for part in first["loc"] if part not in {"query", "body", "path", "form", "file"})
    words = f"{where}: {first['msg']}"
    title = KINDS[BadParameter][2]
    return _answer(request, 422, "bad-parameter", title, detail=Text(ru=words, en=words), extra={"parameter": where})


def _http(request: HttpRequest, error: Any) -> HttpResponse:
    kind, title = _HTTP.get(error.status_code, ("error", _UNKNOWN[2]))
    response = _answer(request, error.status_code, kind, title)
    if error.status_code == 401:
        response["WWW-Authenticate"] = 'Bearer realm="rakurs"'
    return response


def _answer(
    request: HttpRequest,
    status: int,
    kind: str,
    title: Text,
    *,
    detail: Text | None = None,
    extra: Mapping[str, Any] | None = None,
) -> HttpResponse:
    document = problem_document(title, detail or title, kind=kind, status=status, language=language_of(request))
    text = json.dumps({**document, **without_empty(extra or {})}, ensure_ascii=False)
    return HttpResponse(text, status=status, content_type="application/problem+json")
