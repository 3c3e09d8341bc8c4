"""Fields: opponents that are not ours, and what they answered before.

- `declared`: a `Field` from its list of entries, its `Lanes` (opponents with seeds)
- `opponents`: one opponent and one real match; `axelrod_players`, `python_classes` (and their `trial`): where foreign
  ones come from
- `memo`: answers in flat arrays, `answers`: their file, `matches`: real matches where they are not known
- `scoring`: fitness against a field, exactly or in a race for survival
- `kernels`: the compiled walk

To add a source of opponents: a file with `opponents(entry)`, and its line in `_looked_up` of `declared`.
"""
