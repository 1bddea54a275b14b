"""What did people write about a customer, a deal or an employee?"""

from rakurs.app.accounts import note
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.core.text import Text
from rakurs.state.models import Note, User

LONGEST = 5_000


def notes_of(card: str, *subject_ids: str) -> list[Note]:
    """The notes on a subject under any of its ids, newest first. Whoever may open the card may read them."""
    return list(Note.objects.select_related("author").filter(card=card, subject__in=subject_ids))


def write_note(author: User, card: str, subject_id: str, text: str) -> Note:
    """A new note. BadParameter when it says nothing or too much."""
    said = text.strip()
    if not said or len(said) > LONGEST:
        reason = Text(ru=f"Напишите от 1 до {LONGEST} знаков.", en=f"Write 1 to {LONGEST} signs.")
        raise BadParameter("text", said[:40], reason)
    note(author, "note", f"{card}/{subject_id}")
    return Note.objects.create(author=author, card=card, subject=subject_id, text=said)


def remove_note(user: User, card: str, subject_id: str, note_id: int) -> None:
    """Take a note away: its author may, and whoever administers. UnknownName for anybody else's."""
    known = Note.objects.filter(pk=note_id, card=card)
    found = (known if user.may("administer") else known.filter(author=user)).first()
    if found is None:
        raise UnknownName(Text(ru="Заметки", en="note"), str(note_id), ())
    note(user, "note removed", f"{card}/{subject_id}", detail={"text": found.text})
    found.delete()
