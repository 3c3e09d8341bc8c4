"""The run file: one crash-safe SQLite file a run.

- `store`: `Run`, `Run.open` to write, `Run.read` to look
- `held`: the file that a writer holds, and whether it is still the one at its path
- `writer`: what appending does, and which of the dead are let go
- `rows`: tables, digests, and what is checked of a row; `populations` and `births`: the rows of individuals
- `censuses`: everybody of some generations, by behaviour
- `meta`: what is known of a run as a whole, in two copies
- `database`: making, opening and recognising the file; errors in our words
- `place`: the writer's lock, links that are not followed, and the journal a filesystem can be trusted with
- `check`: naming all damage; `repairs`: going on from the newest intact population
- `migration`: files of an earlier format become ours

To keep one more number per generation: add it to `Generation`, to `STATISTICS`, `statistics_field` and
`statistics_table` in `rows` and to `Run.statistics`; raise `FORMAT`, and say in `migration` what it is in older files.
"""
