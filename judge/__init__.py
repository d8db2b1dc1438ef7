"""The judging engine: a library with a command line. It knows no web, no database, no queue."""
