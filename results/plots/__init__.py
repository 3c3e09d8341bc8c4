"""Every figure; matplotlib is known here and nowhere else.

- `run`: the figures of a run, and `save_all`; `heredity`: descent, family and complexity; `genome_maps`: the genomes
- `ecology`: populations of an ecology over time, and in the simplex of three
- `invasion`: survival, chances to take over, Nash gaps, and who came in
- `sweep`: results over a grid; `design`: cooperation and its cost over the parameters of a rule
- `side_by_side`: runs compared; `round_robins`: tournaments, also along a parameter
- `style`: colours, names and sizes that all share, and `save`

To add a figure of a run: a function ``run -> Figure`` in `run`, `heredity` or `genome_maps` and its name in `FIGURES`;
tests/test_plots.py then draws it for every kind of run.
"""
