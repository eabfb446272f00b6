"""The command line. It never imports Pulumi."""
