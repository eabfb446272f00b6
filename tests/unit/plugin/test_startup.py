"""The start of the plugin process: what it imports."""

from __future__ import annotations

import subprocess
import sys

import pulumi

from astro_deployment_runtime.plugin.startup import leave_out_sdk

NATIVE = """
import sys
from astro_deployment_runtime.plugin.startup import leave_out_sdk
leave_out_sdk()
leave_out_sdk()
from astro_deployment_runtime.lifecycle import deployment, functions
from astro_deployment_runtime.plugin import server
from astro_deployment_runtime.plugin.native import servicer
print(sorted(name for name in sys.modules if name.startswith("pulumi") and "proto" not in name))
"""


def test_native_plugin_imports_no_more_of_the_sdk_than_the_protocols() -> None:
    """The rest takes a third of the start."""
    found = subprocess.run([sys.executable, "-c", NATIVE], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "['pulumi', 'pulumi.runtime', 'pulumi.runtime._grpc_settings']"


def test_process_with_the_sdk_keeps_it() -> None:
    """Other code of that process may use it."""
    leave_out_sdk()
    assert sys.modules["pulumi"] is pulumi
    assert hasattr(pulumi, "CustomResource")
