"""One page that can be kept and sent: the story, charts, tables and data of a run, a study or a sweep.

- `page`: a page made of blocks (text, charts, tables), complete without scripts, with nothing fetched
- `runs`, `studies`, `sweeps`: which blocks; `gallery`: an index of pages with thumbnails

To add something to a page: a block in the function of its section. Text in blocks is escaped by the template; only
charts are markup, made by `results.drawing`.
"""
