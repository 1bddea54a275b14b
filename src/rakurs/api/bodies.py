"""What did a call bring, byte for byte?"""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from rakurs.core.errors import BadInput
from rakurs.core.text import Text

_TOO_BIG = Text(
    ru="Запрос больше {most} МБ: разделите строки или загрузите их файлом.",
    en="The call is larger than {most} MB: split the rows, or load them as a file.",
)


def body_of(request: HttpRequest) -> bytes:
    """The body as it was sent. BadInput where it is larger than is taken at once."""
    try:
        return request.body
    except RequestDataTooBig as wrong:
        raise BadInput(_TOO_BIG.filled(most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE >> 20)) from wrong
