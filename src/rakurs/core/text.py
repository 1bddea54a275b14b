"""Words a user reads, kept beside the thing they name, in both languages of the interface."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["ru", "en"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One phrase in Russian and in English; both are required, so nothing ships half translated."""

    ru: str
    en: str

    def __post_init__(self) -> None:
        if not self.ru or not self.en:
            raise ValueError(f"Text needs both languages, got ru={self.ru!r} en={self.en!r}")

    def to(self, language: Language) -> str:
        """The phrase in `language`."""
        return self.ru if language == "ru" else self.en

    def filled(self, **values: object) -> "Text":
        """The phrase with its `{placeholders}` filled in, in both languages."""
        return Text(ru=self.ru.format(**values), en=self.en.format(**values))
