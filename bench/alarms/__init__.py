"""The alarm bench: replay, inject, score, and compare with the plain rules."""
