"""Training of the released models; needs the extra `train`. Nothing here is installed with glasswatch."""
