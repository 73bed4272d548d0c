"""Inline SVG: horizontal intervals and horizontal bars. Colours are the page's CSS variables, so that both themes read well."""
import html
import math

from .report import number

WIDTH, LABEL, RIGHT, ROW = 860, 250, 110, 30


def intervals(title, rows, unit, limit=None, logarithmic=False):
    """`rows` are (label, p10, median, p90, p99 or None, group). `limit` draws the bar as a line."""
    largest = max(max(value for value in row[1:5] if value is not None) for row in rows)
    largest = max(largest, limit or 0) * 1.05
    smallest = min(min(value for value in row[1:5] if value is not None) for row in rows) * 0.8 if logarithmic else 0
    axis = _Axis(smallest, largest, logarithmic)
    body = []
    for index, (label, low, middle, high, tail, group) in enumerate(rows):
        y = 46 + index * ROW
        body.append(_label(label, y))
        if tail is not None:
            body.append(f'<line x1="{axis.x(high):.1f}" x2="{axis.x(tail):.1f}" y1="{y}" y2="{y}" class="tail"/>')
        body.append(f'<rect x="{axis.x(low):.1f}" y="{y - 7}" width="{max(axis.x(high) - axis.x(low), 1.5):.1f}" height="14" rx="3" '
                    f'class="g{group}" opacity=".45"/>')
        body.append(f'<line x1="{axis.x(middle):.1f}" x2="{axis.x(middle):.1f}" y1="{y - 9}" y2="{y + 9}" class="middle"/>')
        body.append(_figure(f"{number(middle)} {unit}", y))
    return _frame(title, axis, len(rows), "".join(body), unit, limit, "box: p10 to p90, stroke: median, line: to p99")


def bars(title, rows, unit, limit=None):
    """`rows` are (label, value, group)."""
    axis = _Axis(0, max(max(row[1] for row in rows), limit or 0) * 1.05 or 1, False)
    body = []
    for index, (label, value, group) in enumerate(rows):
        y = 46 + index * ROW
        body.append(_label(label, y))
        body.append(f'<rect x="{LABEL}" y="{y - 8}" width="{max(axis.x(value) - LABEL, 1):.1f}" height="16" rx="3" class="g{group}"/>')
        body.append(_figure(f"{number(value)} {unit}", y))
    return _frame(title, axis, len(rows), "".join(body), unit, limit, "")


class _Axis:
    def __init__(self, low, high, logarithmic):
        self.low, self.high, self.logarithmic = low, high, logarithmic

    def x(self, value):
        width = WIDTH - LABEL - RIGHT
        if self.logarithmic:
            value = max(value, self.low)
            return LABEL + width * math.log(value / self.low) / math.log(self.high / self.low)
        return LABEL + width * (value - self.low) / (self.high - self.low)

    def ticks(self):
        if self.logarithmic:
            first = math.floor(math.log10(self.low))
            steps = [factor * 10.0 ** power for power in range(first, first + 12) for factor in (1, 2, 5)]
            return [step for step in steps if self.low <= step <= self.high]
        step = 10.0 ** math.floor(math.log10(self.high))
        while self.high / step < 4:
            step /= 2
        return [index * step for index in range(int(self.high / step) + 1)]


def _label(text, y):
    return f'<text x="{LABEL - 10}" y="{y + 4}" text-anchor="end">{html.escape(text)}</text>'


def _figure(text, y):
    return f'<text x="{WIDTH - RIGHT + 8}" y="{y + 4}" class="figure">{html.escape(text)}</text>'


def _frame(title, axis, rows, body, unit, limit, legend):
    bottom = 46 + rows * ROW - 8
    grid = []
    for tick in axis.ticks():
        x = axis.x(tick)
        grid.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="28" y2="{bottom}" class="grid"/>'
                    f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle" class="tick">{number(tick)}</text>')
    if limit is not None:
        x = axis.x(limit)
        grid.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="24" y2="{bottom}" class="limit"/>'
                    f'<text x="{x:.1f}" y="20" text-anchor="middle" class="limit-text">bar {number(limit)} {html.escape(unit)}</text>')
    height = bottom + 24
    return (f'<figure><figcaption>{html.escape(title)} <small>{html.escape(legend)}</small></figcaption>'
            f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(title)}">{"".join(grid)}{body}</svg></figure>')
