"""Published claims as experiments, one object each: what the source says, our reading of it, and the `Verdict`.

- `claim`: what a claim is, and how a verdict is reached; `published`: the list
- Ord's note, "Further results on the societal iterated prisoner's dilemma": `ecologies` (O1 to O8, O13, O14),
  `evolution` (O9, O10), `societies` with chance (O11, O12); a claim that fails is a result like any other
- `lifl`: what Beaufils, Delahaye and Mathieu published about meetings and ecologies (L1 to L4)

To add a claim: an object with what `claim.Claim` asks, and its place in `published.CLAIMS`.
"""
