"""``envoi screen pairs``: what the matcher says of pairs of names, for measuring it. It needs no home."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from envoi_client.cli.common import DEFAULT, Common
from envoi_client.files import read_bounded, whole_file

from .. import limits
from ..forms.csv_files import write_csv
from ..names.pairs import judge


def pairs(
    file: Annotated[Path, Parameter(name="FILE")], /, *, out: Path | None = None, common: Common = DEFAULT
) -> None:
    """Judge pairs of names: add score, match and reasons to each row of a CSV file.

    Parameters
    ----------
    file
        CSV with the columns name1 and name2 and, if known, schema, country1 and country2. Others are kept.
    out
        The file to write; by default the answer is printed.
    """
    columns, judged = judge(read_bounded(file, limits.MAX_PAIRS_BYTES), file.name)
    if out is not None:
        with whole_file(out) as target:
            write_csv(target, columns, (one.row() for one in judged))
        matches = sum(one.comparison.match for one in judged)
        common.answer(
            {"out": str(out), "pairs": len(judged), "matches": matches},
            [f"written  {out}: {len(judged)} pairs, {matches} of them matches"],
        )
        return
    table = io.BytesIO()
    write_csv(table, columns, (one.row() for one in judged))
    common.answer([one.value() for one in judged], [table.getvalue().decode().removesuffix("\n")])
