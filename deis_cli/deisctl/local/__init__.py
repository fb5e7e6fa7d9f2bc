"""The whole platform on one machine: a resident supervisor and what it starts.

A *home* is one folder that holds everything of one such platform. Two homes run side by side
and never touch each other.
"""
