"""Ord's first-order language, in which a strategy may look at what others do to each other.

- `syntax`: formulas as values; `parser`, `grammar.lark`: from text, in both spellings
- `genome`: the genome that a closed formula makes, `FormulaGenome`
- `simplifier`: the same meaning in fewer nodes
- `pair_automata`: formulas about two players alone, as automata
- `generator`: random formulas by a declared law of sizes
"""
