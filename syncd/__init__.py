"""syncd: renewals, tiers, handoffs, health and risks worked out from the CRM and written back."""

__version__ = "0.1.0"
