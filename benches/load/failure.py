"""How a part of the bench fails."""


class Failed(Exception):
    """One sentence on what went wrong. The part it happened in has no figures; the others go on."""
