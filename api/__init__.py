"""Program 3: answers questions over HTTP, from the store and nothing else."""
