"""The reference service's contract on Flask: what any container must keep to, to be shipped by Towpath."""

APPLICATION = "flask"
VERSION = "0.1.0"
