"""What the lesson on pre-training computes, and the runs recorded for it."""
