"""The one HTML page: no script, nothing from elsewhere."""
import html

from .report import number

STYLE = """
:root{color-scheme:light dark;--ink:#1d2530;--soft:#5b6675;--line:#dde2e8;--paper:#fff;--card:#f6f8fa;--good:#1a7f37;--bad:#c4352b;
--c0:#7a8594;--c1:#2468c9;--c2:#c77700;--c3:#7d4bc0}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--soft:#9aa6b4;--line:#333c47;--paper:#12161b;--card:#1a2027;--good:#4ac26b;
--bad:#ff7b72;--c0:#8b96a5;--c1:#5b9bf0;--c2:#e0a040;--c3:#b08cf0}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:980px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.2rem;margin-top:2.6rem;border-top:1px solid var(--line);padding-top:1.2rem}
p,small{color:var(--soft)}table{border-collapse:collapse;width:100%;font-size:13.5px;margin:.8rem 0}
th,td{text-align:left;padding:.3rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}th{color:var(--soft);font-weight:500}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.m{color:var(--soft);font-size:12.5px}
.held{color:var(--good);font-weight:600}.missed{color:var(--bad);font-weight:600}
figure{margin:1rem 0;padding:.8rem;background:var(--card);border-radius:8px}figcaption{font-weight:600;font-size:14px}
figcaption small{font-weight:400}svg{width:100%;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:var(--ink)}
svg .tick{fill:var(--soft);font-size:11px}svg .figure{font-variant-numeric:tabular-nums}.grid{stroke:var(--line)}
.limit{stroke:var(--bad);stroke-dasharray:4 3;stroke-width:1.5}svg .limit-text{fill:var(--bad);font-size:11px}
.tail{stroke:var(--soft);stroke-width:1}.middle{stroke:var(--ink);stroke-width:2}
.g0{fill:var(--c0)}.g1{fill:var(--c1)}.g2{fill:var(--c2)}.g3{fill:var(--c3)}
"""


def write(path, machine, command, parts):
    facts = ", ".join(f"{html.escape(name)} {html.escape(str(value))}" for name, value in machine.items())
    body = [f"<h1>Portcullis: benchmarks</h1><p>{facts}. <code>{html.escape(command)}</code></p>", _bars(parts)]
    body += [_part(part) for part in parts]
    with open(path, "w") as file:
        file.write('<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
                   f"<title>Portcullis: benchmarks</title><style>{STYLE}</style><body>{''.join(body)}</body></html>\n")


def _bars(parts):
    rows = []
    for part in parts:
        for bar in part.bars:
            verdict = '<span class="held">pass</span>' if bar["held"] else '<span class="missed">miss</span>'
            relation = "≥" if bar["least"] else "≤"
            rows.append(f'<tr><td>{part.letter}<td>{html.escape(bar["name"])}<td class="n">{number(bar["value"])}'
                        f'<td class="n">{relation} {number(bar["limit"])}<td>{html.escape(bar["unit"])}<td>{verdict}</tr>')
    return ('<table><tr><th>part<th>bar<th class="n">measured<th class="n">bar<th>unit<th>verdict</tr>' + "".join(rows) + "</table>")


def _part(part):
    conditions = ", ".join(f"{html.escape(name)} {html.escape(str(value))}" for name, value in part.conditions.items())
    rows = []
    for value in part.values:
        cells = [value.get(name) for name in ("p10", "p90", "p99")]
        shown = "".join(f'<td class="n">{number(cell) if cell is not None else ""}' for cell in cells)
        rows.append(f'<tr><td>{html.escape(value["name"])}<td class="n">{number(value["value"])}<td>{html.escape(value["unit"])}{shown}'
                    f'<td class="n">{value["n"]}<td class="m">{html.escape(value["method"])}</tr>')
    notes = "".join(f"<p>{html.escape(note)}</p>" for note in part.notes)
    return (f"<h2>{part.letter}. {html.escape(part.title)}</h2><p>{conditions}</p>{''.join(part.plots)}{notes}"
            '<table><tr><th>value<th class="n">median<th>unit<th class="n">p10<th class="n">p90<th class="n">p99<th class="n">n<th>method</tr>'
            + "".join(rows) + "</table>")
