"""Ord's first-order language, in which a strategy may look at what others do to each other.

- `syntax`: formulas as values, and the genome they make; `parser`, `grammar.lark`: from text, in both spellings
- `simplifier`: the same meaning in fewer nodes
- `pair_automata`: formulas about two players alone, as automata
- `generator`: random formulas by a declared law of sizes
"""
