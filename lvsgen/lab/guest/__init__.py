"""The program that runs in the kernel under test: makes the machines, takes the steps, says what it saw.

It is run by the Python that the system has and uses the standard library alone. What it is told and what it answers is
in `wire`.
"""
