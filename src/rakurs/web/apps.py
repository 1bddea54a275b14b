"""How does Django know this folder? As the app "web": templates, static files, template tags."""

from importlib import import_module

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Has no tables of its own."""

    name = "rakurs.web"
    label = "web"

    def ready(self) -> None:
        """What people do at the door is written down from now on."""
        import_module("rakurs.web.entries")
