"""Command line: subcommands and their output. It never imports Pulumi."""
