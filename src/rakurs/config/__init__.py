"""Django settings, URLs and entry points: reads the environment once and wires everything."""
