"""The templates, one module for each thing that people are told about."""
