"""Reports from ``pulumi preview --json``: Markdown, JSON, JUnit XML."""
