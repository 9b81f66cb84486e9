"""How long a diagnosis takes: paths in a very large VPC, and a whole diagnosis when every answer is late."""
