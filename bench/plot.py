# SPDX-License-Identifier: Apache-2.0
"""Draws the rows of a benchmark as horizontal bars in SVG, one panel for each group."""
from html import escape

WIDTH, LABEL, BAR, ROW, GAP = 860, 230, 420, 22, 46


def _panels(rows):
    panels = {}
    for row in rows:
        panels.setdefault((row["input"], row["group"]), []).append(row)
    return panels


def _bar(row, longest, y):
    length = max(2, BAR * row["wall_median_s"] / longest)
    ours = row["contender"].startswith("layerpipe")
    text = f"{row['wall_median_s']:.3f} s  ({row['wall_ratio']:.2f}x, {row['peak_rss_mib']:.0f} MiB)"
    return (f'<text x="{LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(row["contender"])}</text>'
            f'<rect x="{LABEL}" y="{y + 3}" width="{length:.1f}" height="{ROW - 6}" '
            f'fill="{"#1b6ac9" if ours else "#9aa3ad"}"/>'
            f'<text x="{LABEL + length + 6:.1f}" y="{y + 15}">{text}</text>')


def write_svg(rows, machine, path):
    parts, y = [], 50
    for (source, group), panel in _panels(rows).items():
        parts.append(f'<text x="12" y="{y + 14}" font-weight="bold">'
                     f'{escape(source)}: {escape(group)}</text>')
        y += 22
        longest = max(row["wall_median_s"] for row in panel)
        for row in panel:
            parts.append(_bar(row, longest, y))
            y += ROW
        y += GAP - 22
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
            'font-family="sans-serif" font-size="12">'
            f'<rect width="{WIDTH}" height="{y}" fill="white"/>'
            '<text x="12" y="20" font-size="15" font-weight="bold">'
            'Wall time, median of interleaved runs (shorter is better)</text>'
            f'<text x="12" y="38" fill="#555">{escape(machine)}</text>')
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + "\n".join(parts) + "</svg>\n")
