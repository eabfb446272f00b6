"""Plan the path of one Deployment. Pure: no I/O and no clock."""
