"""Wire formats: where the texts are, and what a refusal looks like. A wire never sees a policy."""
