"""Airflow provider for Zuora Multi-entity: entity connections accepted after a human approved them."""

from __future__ import annotations

__version__ = "0.1.0"
