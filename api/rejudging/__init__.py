"""Rejudge sets: submissions judged again, compared, and swapped in all at once or not at all."""
