"""Configuration by users: connection settings, arguments of the resource, the fleet in a stack's config."""
