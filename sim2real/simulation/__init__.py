"""n simulated robots stepped together: actuation, sensing, delays, disturbances, resets."""
