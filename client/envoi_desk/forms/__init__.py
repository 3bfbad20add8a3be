"""Notices in and out: the forms in which other systems and people write them.

Reading: bytes -> a table or JSON (:mod:`.csv_files`, :mod:`.xlsx_files`, :mod:`.json_files`) -> contents that know
their place (:mod:`.rows`) -> judged (:mod:`.importing`) -> signed (:mod:`.publishing`). Writing: :mod:`.exporting`, and
on paper :mod:`.paper`. Asking a person: :mod:`.guide`.
"""
