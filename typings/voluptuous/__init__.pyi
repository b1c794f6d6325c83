"""Home Assistant puts probatio in the place of voluptuous, so these are its types."""

from probatio import *
