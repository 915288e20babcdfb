"""`python -m radcommons` is the command `radcommons`."""

from radcommons.cli import main

if __name__ == "__main__":
    main()
