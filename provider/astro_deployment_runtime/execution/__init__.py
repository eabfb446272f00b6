"""Walks a Deployment along its path: observe, decide, act, wait."""
