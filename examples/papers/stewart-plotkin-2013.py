"""Stewart & Plotkin, From extortion to generosity, evolution in the iterated prisoner's dilemma, PNAS 110 (2013).

A generous and an extortionate zero-determinant strategy among the classics, in populations of N with rare mutations.
"""

from engine import Game, Rules, long_run

STRATEGIES = ["zd_extort_2", "zd_gtft_2", "all_c", "all_d", "pavlov", "tit_for_tat"]
rules = Rules(Game(R=3, S=0, T=5, P=1), limit_of_means=True)

print("   N  " + "  ".join(f"{name:>11}" for name in STRATEGIES))
for size in (2, 5, 10, 50, 100):
    found = long_run(STRATEGIES, rules, size=size, beta=1.0)
    print(f"{size:4}  " + "  ".join(f"{found.distribution[name]:11.3f}" for name in STRATEGIES))
