"""The service: API, worker and pages. It stands on `judge/`; see ARCHITECTURE.md."""
