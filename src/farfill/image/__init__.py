"""Picture files: opened, converted, laid out, written."""
