"""Why an abnormal transaction went wrong: a taxonomy of causes, and the pure function that finds the cause."""
