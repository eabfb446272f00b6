"""The native protocol of the package ``astro``, for every Pulumi language."""
