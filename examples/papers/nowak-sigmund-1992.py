"""Nowak & Sigmund, Tit for tat in heterogeneous populations, Nature 355 (1992).

A hundred reactive strategies: ninety-nine whose two probabilities (to cooperate after C and after D) are drawn at
random, and one close to Tit for Tat (.99, .01). Everybody earns what it may expect in endless meetings, and grows in
proportion.
"""

import numpy as np

from engine import Rules, ecology


def reactive(after_c: float, after_d: float) -> str:
    return f"memory(0,1) {after_c} | {after_c} {after_d}"


draws = np.random.default_rng(0).random((99, 2)).round(3).tolist()
strategies = [reactive(*draw) for draw in draws] + [reactive(0.99, 0.01)]
start = {strategy: 10.0 for strategy in strategies}
found = ecology(start, Rules(limit_of_means=True), society=False, generations=1000, extinction=1e-12)

print("generation  most common (after C, after D)  share")
leader = None
for generation, counts in enumerate(found.counts):
    first = strategies[int(np.argmax(counts))]
    if first != leader and generation > 0:
        print(f"{generation:10}  {first.split('| ')[1]:30}  {max(counts) / sum(counts):5.2f}")
    leader = first
last = found.counts[-1]
print(
    f"{len(found.counts) - 1:10}  {strategies[int(np.argmax(last))].split('| ')[1]:30}  {max(last) / sum(last):5.2f}"
)
