"""This machine: device, processor, memory."""
