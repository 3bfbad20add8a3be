"""Names of parties: what two of them have in common, and an index that finds the names worth comparing.

::

    compare(Name("KU Sung Sop"), Name("KU Seung Sub")).reasons
    index.search([Name("Haeran Shipping", country="KP")], sources=("denials",))

A name goes through four steps, each in a module of its own: to Latin letters (:mod:`.scripts`), to words of a kind
(:mod:`.forms`), word to word (:mod:`.align`), and to a score (:mod:`.features`, :mod:`.compare`).
"""

from .compare import compare
from .index import Found, IndexedName, NameIndex
from .model import Comparison, Name, TokenMatch
from .rarity import Rarity

__all__ = ["Comparison", "Found", "IndexedName", "Name", "NameIndex", "Rarity", "TokenMatch", "compare"]
