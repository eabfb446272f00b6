"""An embedded Houston, the GraphQL API of Astronomer Software, to try version changes against.

Run it with ``python -m sandbox serve``. ``README.md`` beside this file says what is modelled, what is inferred and
what is missing.
"""
