"""Replica-exchange transition interface sampling: the rate through interfaces."""
