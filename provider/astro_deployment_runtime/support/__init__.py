"""Helpers without knowledge of Deployments: texts, files, HTTP, retries, cancellation."""
