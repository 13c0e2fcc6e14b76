"""A volume of densities from a single radiograph, which projects to it again."""
