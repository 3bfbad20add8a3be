"""An authority's desk: the register of denials, screening, consultations, statistics and reference lists.

It builds on :mod:`envoi_client` and is installed as ``envoi-client[desk]``. Nothing of a query leaves the machine:
everything here reads the store of one home and the files it is given.
"""
