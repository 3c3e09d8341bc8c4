"""Hilbe, Nowak & Sigmund, Evolution of extortion in iterated prisoner's dilemma games, PNAS 110 (2013).

Extortioners, All-C, All-D, Tit for Tat and win-stay, lose-shift in a population of N that imitates by payoff, with rare
mutations: how much of the time is each played? The donation game with benefit 3 and cost 1.
"""

from engine import Game, Rules, long_run

EXTORTIONER = "memory(1,1) 0 | 0.8 0.5 0.3 0"  # its payoff above 0 is three times that of whoever it meets
STRATEGIES = [EXTORTIONER, "all_c", "all_d", "tit_for_tat", "pavlov"]
rules = Rules(Game(R=2, S=-1, T=3, P=0), limit_of_means=True)

print("   N  extortioner  " + "  ".join(f"{name:>11}" for name in STRATEGIES[1:]) + "  cooperation")
for size in (2, 5, 10, 50, 100):
    found = long_run(STRATEGIES, rules, size=size, beta=1.0)
    shares = "  ".join(f"{found.distribution[name]:11.3f}" for name in STRATEGIES)
    print(f"{size:4}  {shares}  {found.cooperation:11.3f}")
