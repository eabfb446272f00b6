"""What users declare: settings, resource arguments, the fleet in a stack's config."""
