"""The benchmarks behind `make bench`: what they share, and one module for each part."""
