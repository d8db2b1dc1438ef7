"""Playing an event that is over: virtually, on a clock of one's own, or as practice."""
