"""What is an id nobody can guess?"""

import uuid


def new_id() -> str:
    """An id nobody can guess or confuse with another."""
    return uuid.uuid4().hex
