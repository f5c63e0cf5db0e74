"""A case's evidence pack: everything about it on paper, as a PDF for a bank, an acquirer or a court."""
