"""An embedded Houston, the GraphQL API of Astronomer Software, for trials of version changes.

Run it with ``python -m sandbox serve``. ``README.md`` beside this file lists what is modelled, what is
inferred and what is missing.
"""
