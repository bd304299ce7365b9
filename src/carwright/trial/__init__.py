"""Dose spaces, designs, calendar and replay of trials on potential outcomes."""
