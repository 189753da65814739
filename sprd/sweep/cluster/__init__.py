"""Where trainings run: side by side on Ray, or one in this process. The only room with Ray."""
