"""Versions as the platform reads them: Runtime or Airflow, and their order.

Runtime names come in two schemes, ``5.0.4`` (Airflow 2) and ``3.1-12`` (Airflow 3). The number alone does not order
them: 3.0.4 (2021, Airflow 2.1) and 3.0-1 (2025, Airflow 3.0) are different things. So a Runtime is ordered by its
Airflow first.
"""

import re

_AIRFLOW = re.compile(r"\d+\.\d+\.\d+")
_RUNTIME = re.compile(r"\d+\.\d+(?:\.\d+|-\d+)")

#: Lowest major of a Runtime: Certified ended with 2.4.3, so a bare version shows its distribution.
FIRST_RUNTIME_MAJOR = 3

RuntimeKey = tuple[tuple[int, ...], bool, tuple[int, ...]]


def is_airflow(text: str) -> bool:
    """Return whether this is a plain Airflow version, ``x.y.z``."""
    return _AIRFLOW.fullmatch(text) is not None


def is_runtime(text: str) -> bool:
    """Return whether this can be the name of a Runtime: ``5.0.4`` or ``3.1-12``, from major 3 on."""
    return _RUNTIME.fullmatch(text) is not None and int(text.partition(".")[0]) >= FIRST_RUNTIME_MAJOR


def numbers(text: str) -> tuple[int, ...]:
    """Parse the numbers of a version that :func:`is_airflow` or :func:`is_runtime` accepts."""
    return tuple(int(number) for number in re.split(r"[.-]", text))


def runtime_key(version: str, airflow: str) -> RuntimeKey:
    """Return the sort key of a Runtime: its Airflow, then the scheme (the newer one higher), then its own numbers."""
    return numbers(airflow), "-" in version, numbers(version)
