"""eisim"""
