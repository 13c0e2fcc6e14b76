"""Test films rendered by Blender, with all truth about them; see README.md."""
