"""Where new genomes come from: by chance, by mutation, by crossover, each by a declared law.

- `lookups`: memory(x,y) tables
- `machines`: finite state machines
- `formulas`: formulas, by DEAP's genetic programming
"""
