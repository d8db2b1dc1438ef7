"""The service: HTTP interface, worker and command line on top of the judge."""
