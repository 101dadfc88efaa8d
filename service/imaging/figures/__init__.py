"""Finding the figures of a drawing or photograph: what is ink, what is paper, and what is neither."""
