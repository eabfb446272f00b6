"""The fleet that the stack's config declares: one resource per Deployment."""

from astro_deployment_runtime import declare_fleet

declare_fleet()
