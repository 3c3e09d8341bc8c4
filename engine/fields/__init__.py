"""Fields: opponents that are not ours, and what they answered before.

- `declared`: a `Field` from its list of entries, its `Lanes` (opponents with seeds)
- `opponents`: one opponent and one real match; `axelrod_players`, `python_classes` (and `trying` them): where foreign
  ones come from
- `memo`: answers in flat arrays, `answers`: their file, `matches`: real matches where they are not known
- `scoring`: fitness against a field, exactly or in a race for survival
- `judging`: a newcomer ranked in a field; `standings`: the field among itself; `native`: the library plays; `exported`:
  ours as source text of its players
- `kernels`: the compiled walk

To add a source of opponents: a file with `opponents(entry)`, and its line in `_looked_up` of `declared`.
"""
