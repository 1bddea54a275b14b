"""Exports known by their header, the most particular first: one module each, one line here."""

from rakurs.core.reckoning import Reckoning
from rakurs.sources.files.shapes import amocrm, bitrix24, one_c, plain_sales
from rakurs.sources.files.shapes.shape import Shape

SHAPES: tuple[Shape, ...] = (
    bitrix24.SHAPE,
    amocrm.SHAPE,
    one_c.REGISTER,
    one_c.DOCUMENTS,
    plain_sales.NUMBERED,
    plain_sales.PLAIN,
)

RECKONINGS: tuple[Reckoning, ...] = (bitrix24.RECKONING, amocrm.RECKONING)
"""How the systems behind these exports count in their own reports."""

__all__ = ["RECKONINGS", "SHAPES", "Shape"]
