"""For all tests: what is started here can be interrupted."""

import signal

# A shell starts what runs in its background with SIGINT ignored, and children inherit that: the programs under test
# would never see the Ctrl-C that the tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
