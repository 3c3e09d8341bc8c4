"""Two players meet: the iterated prisoner's dilemma, exact before it is sampled.

- `behaviours`: strategies compiled to distinct behaviours, and the choice of kernel for each pair
- `meetings`: one meeting, move by move (`play`) or in expectation (`expected`)
- `tournament`: `round_robin` and its `PayoffTable`
- `threads`: blocks of a round robin on all cores of a machine
- `kernels`: every compiled loop

To add a way of meeting: a function in its own file that takes strategies and `Rules`, its kernel in `kernels`, and
its plain-Python twin in `tests/reference.py`.
"""
