"""Does a seeded population resist mutants that keep coming, and to whom is it lost?

- `study`: the study file; `laws`: the laws of mutants
- `replicates`: one population followed until the resident is lost; `invaders`: to whom and why
- `clones`: the control for drift; `contrasts`: what may be said of a difference
- `run`: outcomes kept in a file that can be taken up again; `report`: findings in words and figures
"""
