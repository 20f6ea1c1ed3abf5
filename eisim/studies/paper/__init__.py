"""The statements of Wang et al. (ICCV 2023), each as a check: proof, trained network, simulation."""
