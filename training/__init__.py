"""How the embedded model was made: from data to artifact, one command (``python -m training.train``)."""
