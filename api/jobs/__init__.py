"""Long tasks people wait for: queued, claimed by a worker, followed, cancelled."""
