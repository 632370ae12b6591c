"""Measures l2echo against its peers."""
