"""What tells whether sound and picture are in line: faces, their tracks and their mouths."""
