"""What a clinician does and reads: regimens, supportive care, grades and response."""
