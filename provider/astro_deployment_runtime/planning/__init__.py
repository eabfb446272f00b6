"""Plans a path. Pure: no I/O and no clock."""
