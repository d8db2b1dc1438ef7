"""Events: their life from request to final board, problems, guilds, entries and rooms."""
