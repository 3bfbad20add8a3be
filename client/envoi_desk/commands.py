"""The commands that the desk adds to ``envoi``, by the entry point ``envoi.extensions``.

Imported for every ``envoi --help``, so it imports nothing of the desk itself.
"""

from __future__ import annotations

from typing import Final

from envoi_client.cli.commands import Command, Extension

COMMANDS: Final[dict[str, Command]] = {
    "denials list": Command(
        "envoi_desk.cli.denials:list_",
        "List denials: those in force, in the order in which they were logged.",
        "envoi denials list --destination PK --entry 9.A",
    ),
    "denials show": Command(
        "envoi_desk.cli.denials:show",
        "Show one denial, as it stands or as it stood, or every version of it.",
        "envoi denials show MTCR/DN/FR/2026/0012 --history",
    ),
    "denials amend": Command(
        "envoi_desk.cli.denials:amend",
        "Amend a denial of ours and tell every other Partner.",
        "envoi denials amend MTCR/DN/FR/2026/0012 --set 'remarks=See the LEEM paper' --dry-run",
    ),
    "denials renew": Command(
        "envoi_desk.cli.denials:renew",
        "Renew a denial of ours after its review and tell every other Partner.",
        "envoi denials renew MTCR/DN/FR/2026/0012 --dry-run",
    ),
    "denials revoke": Command(
        "envoi_desk.cli.denials:revoke",
        "Revoke a denial of ours and tell every other Partner; it stays on file.",
        "envoi denials revoke MTCR/DN/FR/2026/0012 --reason 'The end-user is known now.'",
    ),
    "denials due": Command(
        "envoi_desk.cli.denials:due",
        "List denials of ours whose review is due, the most urgent first.",
        "envoi denials due --days 90",
    ),
    "denials new": Command(
        "envoi_desk.cli.forms:new",
        "Fill in a denial notice, question by question, or write a table to fill in.",
        "envoi denials new --template denials.xlsx",
    ),
    "denials import": Command(
        "envoi_desk.cli.forms:import_",
        "Publish notices of ours from JSON, CSV or XLSX files: all of them or none.",
        "envoi denials import denials.xlsx --dry-run",
    ),
    "denials export": Command(
        "envoi_desk.cli.forms_out:export",
        "Write denials for another system, or only what is new since the last time.",
        "envoi denials export --out denials.json --since denials.json.cursor",
    ),
    "denials print": Command(
        "envoi_desk.cli.forms_out:print_",
        "Print denials as PDF, for people.",
        "envoi denials print MTCR/DN/FR/2026/0012 --out notice.pdf --language fr",
    ),
    "screen": Command(
        "envoi_desk.cli.screen:screen",
        "Screen cases against the denials on file.",
        "envoi screen case.json",
    ),
    "screen show": Command(
        "envoi_desk.cli.screen:show",
        "Show a screening of a case again, as it was.",
        "envoi screen show 2026-118 --run 1",
    ),
    "screen decide": Command(
        "envoi_desk.cli.screen:decide",
        "Decide about a hit; the decision is signed and kept.",
        "envoi screen decide 2026-118 MTCR/DN/DE/2025/0014 --as no-match --reason 'Another firm.'",
    ),
    "screen dispositions export": Command(
        "envoi_desk.cli.screen:export_dispositions",
        "Write every decision to a file of signed notes.",
        "envoi screen dispositions export decisions.notes",
    ),
    "screen dispositions import": Command(
        "envoi_desk.cli.screen:import_dispositions",
        "Take the decisions of another officer of this authority.",
        "envoi screen dispositions import decisions.notes",
    ),
    "screen pairs": Command(
        "envoi_desk.cli.pairs:pairs",
        "Compare pairs of names in a CSV file, and say how alike they are and why.",
        "envoi screen pairs names.csv --out compared.csv",
    ),
    "consult open": Command(
        "envoi_desk.cli.consult:open_",
        "Ask the Partner that denied whether a case is essentially identical.",
        "envoi consult open --case case.json --denial MTCR/DN/FR/2026/0012 --dry-run",
    ),
    "consult reply": Command(
        "envoi_desk.cli.consult:reply",
        "Reply to a Partner that asked about one of our denials.",
        "envoi consult reply 7d2f0c --outcome not_identical --text 'Another scale factor'",
    ),
    "consult extend": Command(
        "envoi_desk.cli.consult:extend",
        "Ask for more time for the reply, or agree to it.",
        "envoi consult extend 7d2f0c --until 2026-12-18 --reason 'The laboratory is slow'",
    ),
    "consult close": Command(
        "envoi_desk.cli.consult:close",
        "Tell the Partner that denied what came of it, and draft the notice that follows.",
        "envoi consult close 7d2f0c --outcome granted --text 'Granted under conditions'",
    ),
    "consult undercut": Command(
        "envoi_desk.cli.consult:undercut",
        "Send the undercut notice of a grant to every other Partner.",
        "envoi consult undercut 7d2f0c --dry-run",
    ),
    "consult list": Command(
        "envoi_desk.cli.consult:list_", "List consultations, what is due first.", "envoi consult list --due"
    ),
    "consult show": Command(
        "envoi_desk.cli.consult:show",
        "Show one consultation: where it stands, and every step.",
        "envoi consult show 7d2f0c",
    ),
    "lists load": Command(
        "envoi_desk.cli.lists:load",
        "Load a public reference list, in place of the one of that name.",
        "envoi lists load consolidated.xml --as un",
    ),
    "lists show": Command(
        "envoi_desk.cli.lists:show",
        "Show which reference lists are loaded, and since when.",
        "envoi lists show",
    ),
    "lists remove": Command("envoi_desk.cli.lists:remove", "Remove a reference list.", "envoi lists remove un"),
    "statistics": Command(
        "envoi_desk.cli.statistics:show",
        "Count the denials on file, and this Partner's consultations.",
        "envoi statistics --by partner year --from 2024",
    ),
}

GROUPS: Final[dict[str, str]] = {
    "denials": "Keep the register of denials, and this authority's own.",
    "screen": "Screen cases against the denials on file.",
    "screen dispositions": "Share what was decided among the authority's officers.",
    "consult": "Ask before approving what another Partner has denied, and answer who asks us.",
    "lists": "Load public reference lists, which are searched apart from the denials.",
}

EXTENSION: Final = Extension(COMMANDS, GROUPS, "envoi_desk.after_sync:after_sync")
