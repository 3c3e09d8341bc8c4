"""Where new genomes come from: by chance, by mutation, by crossover, each by a declared law.

- `lookups`: memory(x,y) tables
- `formulas`: formulas, by DEAP's genetic programming
"""
