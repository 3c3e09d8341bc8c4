"""Does a strategy resist invasion? Certificates, scans and chances.

- `certificates`: the best response of any memory, and the Nash gap
- `decision`: what a mutant faces, solved in floats as far as they decide, else in whole numbers (`exact`)
- `scans`: all pure mutants of a memory
- `indirect`: invasion by way of neutral steps and of third parties
- `fixation`: the chance to take over a finite population
- `rare_mutations`: what a finite population plays in the long run, `long_run`
- `kernels`, `chain_kernels`: every compiled loop
"""
