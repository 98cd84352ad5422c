"""lvsgen compiles one YAML description of a Linux Virtual Server cluster into what every host needs."""

__version__ = "0.1.0"
