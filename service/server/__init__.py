"""The process that answers: its start, its end, and the layers that every request passes."""
