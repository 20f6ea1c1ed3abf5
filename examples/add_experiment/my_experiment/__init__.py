"""An experiment of another package: does redundant inhibition protect a function against partial block?"""
