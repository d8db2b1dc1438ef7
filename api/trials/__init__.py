"""Programs run on samples or inputs of one's own: a job, never a submission."""
