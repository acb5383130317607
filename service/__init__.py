"""The service of Fifth Factor: exchanges in over HTTP, decisions out, each with a record that proves itself."""
