"""Yuanlu (原路): finds every abnormal POS payment and returns its money by the road it came."""
