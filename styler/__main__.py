"""`python -m styler`."""

from styler.cli.app import main

if __name__ == "__main__":
    main()
