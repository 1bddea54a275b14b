"""What models say of each customer, deal, lead or offer: written by Rakurs itself, never by a file."""

from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.columns import column, reference

MODEL_SCORES = Table(
    name="model_scores",
    title=Text(ru="Оценки моделей", en="Model scores"),
    grain=Text(
        ru="Модель, день и клиент, сделка, лид или товар для клиента, о которых она сказала",
        en="A model, a day, and the customer, the deal, the lead or the product for a customer it spoke of",
    ),
    key=("model", "scored_on", "customer_id", "deal_id", "lead_id", "product_id"),
    columns=(
        column("model", Unit.ID, "Модель", "Model", required=True),
        column("version_id", Unit.ID, "Версия", "Version"),
        column("scored_on", Unit.DAY, "День оценки", "Scored", required=True),
        reference("deal_id", "deals", "Сделка", "Deal"),
        reference("lead_id", "leads", "Лид", "Lead"),
        reference("customer_id", "customers", "Клиент", "Customer"),
        reference("product_id", "products", "Товар", "Product"),
        column("score", Unit.SHARE, "Вероятность", "Probability"),
        column("expected_count", Unit.NUMBER, "Ожидаемое число", "Expected count"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("amount_low", Unit.MONEY, "Сумма, не ниже", "Amount, low"),
        column("amount_high", Unit.MONEY, "Сумма, не выше", "Amount, high"),
        column("factor_1", Unit.ID, "Главная причина", "First reason"),
        column("factor_2", Unit.ID, "Вторая причина", "Second reason"),
        column("factor_3", Unit.ID, "Третья причина", "Third reason"),
    ),
)
"""Kept are the latest scores and the first of every month: the past ones are held against what came."""
