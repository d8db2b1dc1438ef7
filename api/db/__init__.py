"""PostgreSQL: the schema, its migrations, and how to reach it."""
