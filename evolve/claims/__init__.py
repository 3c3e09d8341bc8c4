"""Published claims as experiments, each with its `verdict`: Ord's note (`ord`, `evolution`), and LIFL's (`lifl`).

To add a claim: a function that returns its verdicts, and its name in `published.CLAIMS`.
"""
