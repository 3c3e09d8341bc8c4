"""Everybody sees everything: the societal iterated prisoner's dilemma (SIPD) of Toby Ord.

- `sipd`: `society` and its `SocietyResult`, `play_table` for a society of a few kinds
- `machine`: a society compiled and played, one representative a strategy where that is exact
- `program`, `scopes`: formulas as programs over bit rows
- `battery`: how formulas behave, as far as tested
- `kernels`: every compiled loop
"""
