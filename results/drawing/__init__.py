"""Pictures as SVG text for pages: the report, the lab and a notebook show the same.

- `svg`: elements and whole pictures; everything from outside is escaped there
- `style`: colours as CSS variables, light and dark, and patterns that survive grey
- `axes`: scales, ticks and their labels
- `charts`: stacked shares, lines with bands, survival steps, bars, heat matrices
- `automata`: state diagrams, placed by `layout`

To add a chart: a function in `charts` that places its marks on a `Plot` and returns `Plot.picture`; a test in
tests/test_drawing.py reads its numbers back from the text.
"""
