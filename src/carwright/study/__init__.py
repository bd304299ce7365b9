"""The front door: study files, their schema and overrides."""
