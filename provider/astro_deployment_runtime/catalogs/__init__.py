"""Vendor's release feeds: shipped with this package, in a folder, or at a URL."""
