"""Dose spaces, designs, calendar, attrition; operating characteristics, exact and simulated.

The rooms before this one solve every virtual patient once per dose node. A trial is then a replay of a
dose-finding rule on that table of potential outcomes: exact, paired between designs, arms and adjudications,
and nearly free.
"""
