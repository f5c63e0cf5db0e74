"""The JSON API below /v1: programs ask and order here what people do on pages."""
