"""The words of facts in Chinese: a fact's note, a leg's or order's explanation, a line of a case."""
