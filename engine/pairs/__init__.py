"""Two players meet: the iterated prisoner's dilemma, exact before it is sampled.

- `behaviours`: strategies compiled to distinct behaviours
- `methods`: every exact method, and the choice between them (`staged` where mechanisms keep a state of the pair);
  `chains`: what a chain of joint states comes to; `exact_play`: many pairs, each by its method; `tallies`: their sums
- `meetings`: one meeting, move by move (`play`) or in expectation (`expected`)
- `tournament`: `round_robin` and its `PayoffTable`
- `short_memories`: round robins of genomes that remember at most three turns, without noise
- `threads`: blocks of a round robin on all cores of a machine
- `kernels` and the other files of kernels that it names: every compiled loop

To add an exact method: a class in `methods` and its line in `exact_methods`, or in `chains` and in `solutions`, its
kernel in `kernels`, and its plain-Python twin in `tests/reference.py`.
"""
