"""The commands of the `styler` program, one file each."""
