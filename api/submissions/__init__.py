"""Submissions: taken in, queued, judged, shown."""
