"""From what a face was given (strings of a form, a URL, a terminal) to checked parameters."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from rakurs.core.errors import BadParameter, UnknownName
from rakurs.core.params import Params
from rakurs.core.text import Text

Checked = TypeVar("Checked", bound=Params)

PARAMETER = Text(ru="Параметра", en="parameter")

_REASONS: Mapping[str, Text] = {
    "enum": Text(ru="Допустимо: {expected}.", en="Allowed: {expected}."),
    "literal_error": Text(ru="Допустимо: {expected}.", en="Allowed: {expected}."),
    "int_parsing": Text(ru="Нужно целое число.", en="A whole number is needed."),
    "int_type": Text(ru="Нужно целое число.", en="A whole number is needed."),
    "float_parsing": Text(ru="Нужно число.", en="A number is needed."),
    "decimal_parsing": Text(ru="Нужно число.", en="A number is needed."),
    "date_from_datetime_parsing": Text(ru="Нужен день вида 2026-01-31.", en="A day like 2026-01-31 is needed."),
    "date_parsing": Text(ru="Нужен день вида 2026-01-31.", en="A day like 2026-01-31 is needed."),
    "greater_than_equal": Text(ru="Не меньше {ge}.", en="At least {ge}."),
    "less_than_equal": Text(ru="Не больше {le}.", en="At most {le}."),
    "bool_parsing": Text(ru="Нужно true или false.", en="true or false is needed."),
}


def checked_params(model: type[Checked], raw: Mapping[str, Any]) -> Checked:
    """The parameters `model` describes, from raw values; empty strings mean "not given".

    Raises UnknownName for a parameter the model does not have, BadParameter for a value outside its bounds.
    """
    given = {name: value for name, value in raw.items() if value not in ("", None)}
    for name in given:
        if name not in model.model_fields:
            raise UnknownName(PARAMETER, name, model.model_fields)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ", ".join(given)
        reason = _REASONS.get(first["type"])
        fallback = Text(ru=first["msg"], en=first["msg"])
        value = first["input"] if first["loc"] else given
        raise BadParameter(name, value, reason.filled(**first.get("ctx", {})) if reason else fallback) from error


def given_params(params: Params) -> dict[str, Any]:
    """What differs from the defaults, as plain JSON values: the shortest description of a question."""
    return params.model_dump(mode="json", exclude_defaults=True)
