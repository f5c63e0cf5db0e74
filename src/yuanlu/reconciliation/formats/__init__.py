"""How acquirers write their clearing files: one module a format; each makes a `clearing.Document` of bytes."""
