import NRI
