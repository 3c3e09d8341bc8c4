"""Imhof, Fudenberg & Nowak, Evolutionary cycles of cooperation and defection, PNAS 102 (2005).

All-C, All-D and Tit for Tat over ten rounds, in a Moran process of N players with rare mutations. The paper charges
Tit for Tat a small cost of complexity; here it has none.
"""

from engine import Rules, fixation_probability, long_run, pair_table

STRATEGIES = ["all_c", "all_d", "tit_for_tat"]
rules = Rules(turns=10)

print("   N  " + "  ".join(f"{name:>11}" for name in STRATEGIES))
for size in (5, 10, 50, 100, 500):
    found = long_run(STRATEGIES, rules, size=size, beta=0.1, process="moran")
    print(f"{size:4}  " + "  ".join(f"{found.distribution[name]:11.3f}" for name in STRATEGIES))

print("one mutant among 99 residents takes over, relative to a neutral one")
for mutant, resident in (
    ("all_d", "all_c"),
    ("tit_for_tat", "all_d"),
    ("all_c", "tit_for_tat"),
    ("all_d", "tit_for_tat"),
):
    chance = 100 * fixation_probability(pair_table(mutant, resident, rules), 100)
    print(f"  {mutant:>11} into {resident:11}  {chance:.3g}")
