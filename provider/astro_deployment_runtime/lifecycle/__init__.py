"""Check, plan, apply and refresh declared Deployments, for the plugin and for the command line."""
