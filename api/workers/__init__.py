"""The registry of workers: who is there, what they run on, whether they may be trusted."""
