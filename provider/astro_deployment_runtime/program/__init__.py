"""Code for the user's Pulumi program: the resources that it declares, and ``declare_fleet``."""
