"""Money: a decimal amount in one currency; amounts of different currencies never add up."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def cents(amount: float | None) -> Decimal | None:
    """A float amount as money, to the cent, halves away from zero; None is None."""
    return None if amount is None else Decimal(repr(float(amount))).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`amount` of `currency` (ISO 4217), exact to the cent; halves round away from zero."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "amount", Decimal(self.amount).quantize(CENT, ROUND_HALF_UP))

    def __add__(self, other: "Money") -> "Money":
        self._must_match(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._must_match(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def _must_match(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}: convert at a dated rate first")
