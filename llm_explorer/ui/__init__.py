"""What people see: the only part of the package that imports streamlit."""
