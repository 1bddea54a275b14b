"""How does Django know this folder? As the app "state"."""

from django.apps import AppConfig


class StateConfig(AppConfig):
    """The only Django app of ours with tables."""

    name = "rakurs.state"
    label = "state"
    default_auto_field = "django.db.models.BigAutoField"
