"""The register: parties and data assets that exchanges name by id, with their whole history."""
