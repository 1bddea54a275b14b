"""What does a person see when something cannot be done? A page that says what, and the next step."""

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rakurs.core.errors import BadInput, NotAllowed, RakursError, UnknownName, WarehouseBusy
from rakurs.web.pictures import OTHER_ICON, STATUS_ICONS

STATUS: Mapping[type[RakursError], int] = {UnknownName: 404, NotAllowed: 403, WarehouseBusy: 503, BadInput: 422}


class ErrorsInWords:
    """Turns our own errors into pages; an unforeseen one stays an error."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return error_page(request, error) if isinstance(error, RakursError) else None


def error_page(request: HttpRequest, error: RakursError) -> HttpResponse:
    """The page of one of our errors, with the status its kind has."""
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
    context = {"message": error.message, "icon_name": STATUS_ICONS.get(status, OTHER_ICON), "status": status}
    template = "rakurs/_error.html" if request.headers.get("HX-Request") else "rakurs/error.html"
    return render(request, template, context, status=status)
