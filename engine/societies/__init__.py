"""Everybody sees everything: the societal iterated prisoner's dilemma (SIPD) of Toby Ord.

- `sipd`: `society` and its `SocietyResult`, `play_table` for a society of a few kinds
- `twins`: how many players of each strategy have to be played for the play of all to be exact
- `machine`: a society compiled and played
- `program`, `scopes`: formulas as programs over bit rows
- `battery`: how formulas behave, as far as tested
- `kernels`: every compiled loop
"""
