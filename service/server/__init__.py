"""The process that answers: started, told to stop, and what every request passes."""
