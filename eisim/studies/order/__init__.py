"""Order along time: does a circuit's activity rise with its input at every moment, as rates and as spikes?"""
