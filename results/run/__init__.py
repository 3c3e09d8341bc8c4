"""The run file: one crash-safe SQLite file a run.

- `store`: `Run`, `Run.open` to write, `Run.read` to look
- `writer`: what appending does, and which of the dead are let go
- `rows`: how records become rows and come back, checked
- `database`: making, opening and recognising the file; errors in our words
- `place`: the writer's lock, and the journal a filesystem can be trusted with
- `repairs`: naming all damage, and going on from the newest intact population

To keep one more number per generation: add it to `Generation`, to `STATISTICS` and `statistics_field` in `rows` and
to `Run.statistics`, and raise `FORMAT`.
"""
