"""Guarded against unguarded, measured in one run (``python -m bench``). Nothing here is shipped."""
