"""Public knowledge of an Envoi exchange: what anybody can check from bytes alone.

Pure: no I/O, no clock, no randomness, no logging, no threads. Time and random bytes are arguments.
"""

__version__ = "0.1.0"
