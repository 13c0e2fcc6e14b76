"""How true the colors are on sections that were set apart, and whether they follow the CT of patients."""
