"""What is removed by rule when its period is over, with a row of proof for each removal."""
