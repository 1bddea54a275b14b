"""Who the company sells to, and who sells: customers, employees."""

from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.columns import choice, column, reference

CUSTOMERS = Table(
    name="customers",
    title=Text(ru="Клиенты", en="Customers"),
    grain=Text(ru="Один клиент: человек или компания", en="One customer: a person or a company"),
    key=("customer_id",),
    columns=(
        column("customer_id", Unit.ID, "Клиент", "Customer", required=True),
        column("name", Unit.TEXT, "Имя или название", "Name"),
        choice(
            "kind",
            "Вид клиента",
            "Customer kind",
            {"person": Text(ru="Человек", en="Person"), "company": Text(ru="Компания", en="Company")},
        ),
        column("phone", Unit.TEXT, "Телефон", "Phone"),
        column("email", Unit.TEXT, "Почта", "E-mail"),
        column("tax_id", Unit.TEXT, "ИНН", "Tax id"),
        column("city", Unit.TEXT, "Город", "City"),
        column("region", Unit.TEXT, "Регион", "Region"),
        column("country", Unit.TEXT, "Страна", "Country"),
        column("latitude", Unit.NUMBER, "Широта", "Latitude"),
        column("longitude", Unit.NUMBER, "Долгота", "Longitude"),
        column("birth_date", Unit.DAY, "Дата рождения", "Birth date"),
        column("created_at", Unit.TIME, "Создан", "Created"),
        reference("channel_id", "channels", "Канал", "Channel"),
        reference("manager_id", "employees", "Менеджер", "Manager"),
    ),
)

EMPLOYEES = Table(
    name="employees",
    title=Text(ru="Сотрудники", en="Employees"),
    grain=Text(ru="Один сотрудник", en="One employee"),
    key=("employee_id",),
    columns=(
        column("employee_id", Unit.ID, "Сотрудник", "Employee", required=True),
        column("name", Unit.TEXT, "Имя", "Name"),
        column("department", Unit.TEXT, "Отдел", "Department"),
        column("branch", Unit.TEXT, "Филиал", "Branch"),
        column("role", Unit.TEXT, "Роль", "Role"),
        column("hired_on", Unit.DAY, "Принят", "Hired"),
        column("left_on", Unit.DAY, "Уволен", "Left"),
    ),
)
