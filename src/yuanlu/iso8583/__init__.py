"""Messages to bytes and back, for every ISO 8583 dialect we speak; pure, no input or output."""
