"""What can a set of customers be? A list, whoever stands behind a number, whoever meets conditions, or sets joined."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from rakurs.app.asked import MOST_CONDITIONS, Asked, Where
from rakurs.core.errors import BadParameter
from rakurs.core.text import Text

KEPT_UNMATCHED = 1_000
MOST_PARTS = 20


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Listed(_Value):
    """A list of customers. Who was found stands in the warehouse; here is what was given and what was not found."""

    kind: Literal["ids"] = "ids"
    file: str = ""
    given: int = Field(ge=0)
    unmatched_count: int = Field(default=0, ge=0)
    unmatched: tuple[str, ...] = Field(default=(), max_length=KEPT_UNMATCHED)


class Behind(_Value):
    """The customers behind one cell of an answer; where it counts deals or orders, the customers of those."""

    kind: Literal["members"] = "members"
    asked: Asked
    cell: dict[str, Any] = Field(default_factory=dict[str, Any])


class Meeting(_Value):
    """The customers who meet every condition. The window of the traits that have one is `window_days` long."""

    kind: Literal["filter"] = "filter"
    where: tuple[Where, ...] = Field(min_length=1, max_length=MOST_CONDITIONS)
    window_days: int = Field(default=365, ge=1, le=36_500)


class Combined(_Value):
    """The customers in every segment of `all_of`, in at least one of `any_of`, in not one of `none_of`.

    Without `all_of` and `any_of`: every customer but those of `none_of`.
    """

    kind: Literal["combination"] = "combination"
    all_of: tuple[str, ...] = Field(default=(), max_length=MOST_PARTS)
    any_of: tuple[str, ...] = Field(default=(), max_length=MOST_PARTS)
    none_of: tuple[str, ...] = Field(default=(), max_length=MOST_PARTS)

    @model_validator(mode="after")
    def _names_a_segment(self) -> Self:
        if not self.parts:
            raise ValueError("a combination needs at least one segment")
        return self

    @property
    def parts(self) -> tuple[str, ...]:
        """The ids of the segments it is made of, each once."""
        return tuple(dict.fromkeys((*self.all_of, *self.any_of, *self.none_of)))


AnyDefinition = Listed | Behind | Meeting | Combined
_DEFINITION: TypeAdapter[AnyDefinition] = TypeAdapter(Annotated[AnyDefinition, Field(discriminator="kind")])


def definition_of(kept: Mapping[str, Any]) -> AnyDefinition:
    """The definition that `kept_definition` wrote, or a program sent. BadParameter says which part is wrong."""
    try:
        return _DEFINITION.validate_python(dict(kept))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "definition"
        message = first["msg"].removeprefix("Value error, ")
        raise BadParameter(place, first["input"], Text(ru=message, en=message)) from error


def kept_definition(definition: AnyDefinition) -> dict[str, Any]:
    """The definition as plain JSON values."""
    return definition.model_dump(mode="json")
