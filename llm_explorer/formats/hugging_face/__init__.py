"""Reading and writing Hugging Face's config.json."""
