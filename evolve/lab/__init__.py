"""The lab: pages for people who do not program, on the same engine and the same run files.

- `app`: the server and its routes; `guard`: what it refuses; `launch`: `evolve lab`
- `settings`: what an address says, as rules and strategies; every scene is an address
- `screens`: one function a screen, from settings to blocks; `page.html`, `lab.css`, `lab.js`: how they look
- `runs`: the runs below its folder

Every screen works as links and forms without scripts; the script only saves the pressing of a button and keeps a run
that goes on up to date. To add a screen: a function in `screens` and its row in `SCREENS`.
"""
