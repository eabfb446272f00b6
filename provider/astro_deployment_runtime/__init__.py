"""Bring Airflow Deployments of Astronomer Software to a declared Astro Runtime version, with Pulumi."""
