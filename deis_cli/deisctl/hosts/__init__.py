"""`deisctl hosts …`: which hosts there are and what runs on them, over the controller's API."""
