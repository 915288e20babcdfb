"""The vocabulary of radiation monitoring: pure values and rules, no input or output."""
