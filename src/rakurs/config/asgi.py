"""What does the server run? Django, as it is set up in settings."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rakurs.config.settings")

application = get_asgi_application()
