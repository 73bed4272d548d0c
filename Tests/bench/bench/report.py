"""What a part found: values with their method, bars with their verdict, plots."""
import json


class Part:
    """The findings of one part."""

    def __init__(self, letter, title):
        self.letter = letter
        self.title = title
        self.values = []
        self.bars = []
        self.plots = []
        self.notes = []
        self.samples = {}
        self.conditions = {}

    def value(self, name, figure, unit, n, method, **spread):
        """One measured value. `method` says how, `n` how often."""
        self.values.append({"name": name, "value": figure, "unit": unit, "n": n, "method": method, **spread})
        print(f"  {name:<58} {number(figure):>12} {unit:<12} n={n}" + _spread_text(spread), flush=True)

    def distribution(self, name, samples, unit, method, **more):
        """A value that is the median of samples; they are kept too."""
        from . import stats
        spread = stats.spread(samples)
        self.value(name, spread.pop("median"), unit, len(samples), method, **spread, **more)
        self.samples[name] = samples

    def bar(self, name, figure, limit, unit, least=False):
        """A promise: at most `limit`, or at least."""
        held = figure >= limit if least else figure <= limit
        self.bars.append({"name": name, "value": figure, "limit": limit, "least": least, "unit": unit, "held": held})
        print(f"  {'PASS' if held else 'MISS'}  {name}: {number(figure)} {unit} (bar: {'>=' if least else '<='} {number(limit)} {unit})",
              flush=True)

    def note(self, text):
        self.notes.append(text)
        print(f"  note: {text}", flush=True)

    def json(self):
        return {"part": self.letter, "title": self.title, "conditions": self.conditions, "values": self.values, "bars": self.bars,
                "notes": self.notes, "samples": self.samples}


def _spread_text(spread):
    shown = [f"{name} {number(value)}" for name, value in spread.items() if isinstance(value, (int, float))]
    return "  (" + ", ".join(shown) + ")" if shown else ""


def number(value):
    """Three or four digits, which is what a benchmark knows."""
    if isinstance(value, int) or float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    magnitude = abs(value)
    digits = 0 if magnitude >= 1000 else 1 if magnitude >= 100 else 2 if magnitude >= 1 else 3
    return f"{value:,.{digits}f}"


def write_json(path, machine, command, parts):
    with open(path, "w") as file:
        json.dump({"machine": machine, "command": command, "parts": [part.json() for part in parts]}, file, indent=1)
        file.write("\n")
