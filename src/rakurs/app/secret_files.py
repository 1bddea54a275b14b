"""How are passwords and keys kept? In files of the home that only its owner reads, never in a log, an answer or a page."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError

from rakurs.core.errors import BadParameter
from rakurs.core.text import Text

_Settings = TypeVar("_Settings", bound=BaseModel)


def keep_secretly(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` to `path`, secrets opened; a crash leaves the old or the new file, never a half."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(_open_secrets(content), file, ensure_ascii=False, indent=2)
    draft.replace(path)


def checked_settings(model: type[_Settings], given: Mapping[str, Any]) -> _Settings:
    """`given` as `model`. BadParameter names the first field that is wrong, and never repeats its value."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        raise BadParameter(str(first["loc"][0]), "…", Text(ru=message, en=message)) from None


def _open_secrets(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Mapping):
        return {str(name): _open_secrets(item) for name, item in value.items()}
    return value
