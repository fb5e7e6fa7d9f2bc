"""What every long-running process of ours needs: settings, logging, tasks, back-off, metrics.

Knows nothing of Deis' domain and imports no other room.
"""
