"""An experiment: everything that decides what a run does, as a TOML file and as a value.

- `experiment`: its sections and what they check
- `template.toml`: the commented file that `evolve new` writes
"""
