"""Screening: a case's parties against the names of all notices, and what an officer decided about each hit.

The matcher says which names meet (:mod:`envoi_desk.names`); here stands the process around it. Software proposes, an
officer decides, and what was on file on the day of the decision can be shown again.
"""
