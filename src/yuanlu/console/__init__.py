"""The web: pages for staff, API, virtual POS, cardholder's page. No rules: those are in `people` and below."""
