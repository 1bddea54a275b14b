"""What did people write about customers, deals and employees?"""

from typing import ClassVar

from django.db import models

from rakurs.state.models.people import User


class Note(models.Model):
    """What a person wrote about a customer, a deal or an employee; `card` and `subject` say about whom."""

    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="notes")
    card = models.CharField(max_length=40)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:  # noqa: D106
        ordering: ClassVar[list[str]] = ["-id"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["card", "subject"], name="note_subject")]

    def __str__(self) -> str:
        return f"{self.card}/{self.subject}: {self.text[:40]}"
