"""What waits for the machine: building and timing, calibration, traces, the receipt they fill."""
