"""What the plugin and the command line do with declared Deployments: check, plan, apply, refresh."""
