"""Scheduling engines: what makes copies run somewhere. They know nothing of services.

An engine answers four questions about copies: ensure one, drop one, list them, and how much room
there is. Routing, endpoints and the order of a rollout are the planner's alone.
"""
