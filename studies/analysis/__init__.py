"""From participants' answers to a report: checks, exclusions, statistics, figures, methods text."""
