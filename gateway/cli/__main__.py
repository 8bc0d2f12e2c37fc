"""`python -m gateway.cli`."""

from gateway.cli import PROGRAM, main

main(prog_name=PROGRAM)
