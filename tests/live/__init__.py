"""Checks against a real Zuora tenant; opt-in: see ``__main__``."""
