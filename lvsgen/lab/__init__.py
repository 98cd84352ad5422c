"""The lab: runs what was generated for a cluster on a real kernel, with real clients, and says what it saw.

`topology` says which machines there are, `scenarios` what is asked of them and what must be seen, both from the
`Cluster` alone. `machine` finds a kernel that can do it: this one, or one under qemu (`kernel`, `boot`). There `guest`
runs, a program of its own that knows nothing of clusters. `verdicts` reads what it found.
"""
