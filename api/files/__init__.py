"""Answers as files that scientists open: NetCDF-CF, Parquet, CoverageJSON."""
