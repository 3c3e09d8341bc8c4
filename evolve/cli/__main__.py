"""`python -m evolve.cli`: the command `evolve` where it is not on the PATH."""

from evolve.cli import main

if __name__ == "__main__":
    main()
